package group

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/model"
)

// group is one group: its members and its offsets.
type group struct {
	id       string
	state    State
	previous State
	// since is when state began, as the group's record has it; zero where the
	// record is of a format without.
	since      time.Time
	generation int32
	// protocolType is "" for a group that has never had a member; such a group
	// only keeps offsets.
	protocolType string
	// protocol is the one that the generation has agreed on; "": none.
	protocol string
	// leader is the id of the member that assigns. Invariant: a member, or ""
	// where there are none.
	leader string
	// members are in the order in which they joined.
	members []*member
	byID    map[string]*member
	// static maps instance ids to members. Invariant: those with an instance.
	static map[string]*member
	// pending are ids handed out to members that have yet to join with them.
	pending map[string]struct{}
	// unsynced are those who have not asked for their assignment in this
	// generation.
	unsynced map[string]struct{}
	// support counts the members that know a protocol.
	support map[string]int
	// joined counts the members that wait in the join phase.
	joined int
	// protocolBytes is the sum over members of their protocols.
	protocolBytes int
	// extend: a member has come while the first rebalance waited for more.
	extend bool
	// initialLeft is how long the first rebalance may still be put off.
	initialLeft time.Duration
	// subscribed are the topics of the members, where known.
	subscribed      map[string]struct{}
	subscribedKnown bool

	offsets map[string]map[model.Partition]offset
}

func newGroup(id string, now time.Time) *group {
	return &group{
		id: id, state: Empty, previous: Empty, since: now,
		byID: make(map[string]*member), static: make(map[string]*member),
		pending: make(map[string]struct{}), unsynced: make(map[string]struct{}),
		support: make(map[string]int), offsets: make(map[string]map[model.Partition]offset),
	}
}

// add makes m a member.
func (g *group) add(m *member) {
	if len(g.members) == 0 {
		g.leader = m.id
	}
	g.members = append(g.members, m)
	g.byID[m.id] = m
	if m.instance != "" {
		g.static[m.instance] = m
	}
	delete(g.pending, m.id)
	g.count(m, +1)
}

// remove takes a member out. Another leads where it has led.
func (g *group) remove(m *member) {
	i := slices.Index(g.members, m)
	if i < 0 {
		panic(fmt.Sprintf("group %q: removing %q, which is no member", g.id, m.id))
	}
	g.members = slices.Delete(g.members, i, i+1)
	delete(g.byID, m.id)
	delete(g.unsynced, m.id)
	if m.instance != "" {
		delete(g.static, m.instance)
	}
	g.count(m, -1)
	if g.leader == m.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

// count adds m to the group's sums, or takes it out of them.
func (g *group) count(m *member, sign int) {
	for _, p := range m.protocols {
		g.support[p.name] += sign
		if g.support[p.name] == 0 {
			delete(g.support, p.name)
		}
	}
	g.protocolBytes += sign * m.protocolBytes()
	if m.joining != nil {
		g.joined += sign
	}
}

// rename gives a static member another id: who had the old one is fenced.
func (g *group) rename(m *member, id string) {
	delete(g.byID, m.id)
	if g.leader == m.id {
		g.leader = id
	}
	if _, ok := g.unsynced[m.id]; ok {
		delete(g.unsynced, m.id)
		g.unsynced[id] = struct{}{}
	}
	m.id = id
	g.byID[id] = m
}

// check refuses a request of somebody who is not the member it claims to be.
func (g *group) check(id string, instance *string) *kerr.Error {
	if instance != nil && *instance != "" {
		m := g.static[*instance]
		if m == nil {
			return kerr.UnknownMemberID
		}
		if m.id != id {
			return kerr.FencedInstanceID
		}
	}
	if g.byID[id] == nil {
		return kerr.UnknownMemberID
	}
	return nil
}

// supports reports whether somebody with these protocols could be a member:
// one of them must be known to all.
func (g *group) supports(protocolType string, protocols []protocol) bool {
	if protocolType == "" || len(protocols) == 0 {
		return false
	}
	if g.state == Empty {
		return true
	}
	return protocolType == g.protocolType && slices.ContainsFunc(protocols, func(p protocol) bool {
		return g.support[p.name] == len(g.members)
	})
}

// choose is the protocol that most members prefer among those that all know.
func (g *group) choose() string {
	votes := make(map[string]int)
	var best string
	for _, m := range g.members {
		for _, p := range m.protocols {
			if g.support[p.name] < len(g.members) {
				continue
			}
			votes[p.name]++
			if best == "" || votes[p.name] > votes[best] {
				best = p.name
			}
			break
		}
	}
	return best
}

// allJoined reports whether the join phase waits for nobody.
func (g *group) allJoined() bool { return g.joined == len(g.members) && len(g.pending) == 0 }

// rebalanceTimeout is the longest that a member asks for.
func (g *group) rebalanceTimeout() time.Duration {
	var longest time.Duration
	for _, m := range g.members {
		longest = max(longest, m.rebalanceTimeout)
	}
	return longest
}

// electJoined makes somebody leader who takes part in the rebalance; false where
// nobody does.
func (g *group) electJoined() bool {
	if leader := g.byID[g.leader]; leader == nil {
		return false
	} else if leader.joining != nil {
		return true
	}
	for _, m := range g.members {
		if m.joining != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

// subscribe works out which topics the members subscribe to.
func (g *group) subscribe() {
	g.subscribed, g.subscribedKnown = nil, false
	switch {
	case g.protocolType == "":
		return
	case len(g.members) == 0:
		g.subscribedKnown = true
		return
	case g.protocolType != consumerProtocol || g.protocol == "":
		return
	}
	topics := make(map[string]struct{})
	for _, m := range g.members {
		if !addSubscription(topics, m.metadata(g.protocol)) {
			return // not what its name says; as in Kafka, nothing is known then
		}
	}
	g.subscribed, g.subscribedKnown = topics, true
}

// subscribesTo reports whether a topic's offsets are in use.
func (g *group) subscribesTo(topic string) bool {
	if g.subscribedKnown {
		_, ok := g.subscribed[topic]
		return ok
	}
	return g.protocolType == consumerProtocol
}
