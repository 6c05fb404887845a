package group

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/coordinator"
)

// Groups is the state machine of one partition of the offsets topic. It
// implements coordinator.Machine.
type Groups struct {
	config Config
	groups map[string]*group
	due    deadlines
	// live: the log has been read; group records that are replayed from now on
	// are our own, and what they say is in the groups already.
	live bool
	// transitions are for the log of who drives the machine.
	transitions []Transition
}

// NewGroups makes a machine without groups.
func NewGroups(c Config) *Groups {
	return &Groups{config: c, groups: make(map[string]*group), due: newDeadlines()}
}

type (
	outcome = coordinator.Outcome
	waiter  = coordinator.Waiter
)

func answer(w *waiter, response any) outcome {
	return outcome{Answers: []coordinator.Answer{{Waiter: w, Response: response}}}
}

// Loaded begins the sessions of all members anew: whoever is gone has its time
// to be missed by this coordinator.
func (s *Groups) Loaded(now time.Time) outcome {
	s.live = true
	var out outcome
	for _, g := range s.groups {
		g.subscribe()
		for _, m := range g.members {
			s.renew(now, g, m)
		}
		if len(g.members) > s.config.MembersMax {
			out = out.Join(s.prepare(now, g, "the group is larger than group.max.size"))
		}
	}
	s.due.set(deadlineKey{kind: expiryBegins}, now.Add(s.config.OffsetsRetentionCheckInterval))
	return out
}

// Deadline is when Tick is wanted next.
func (s *Groups) Deadline() (time.Time, bool) { return s.due.first() }

// Tick lets the first deadline that is due pass.
func (s *Groups) Tick(now time.Time) outcome {
	key, ok := s.due.tryPop(now)
	if !ok {
		return outcome{}
	}
	g := s.groups[key.group]
	if g == nil && key.kind != expiryBegins {
		panic(fmt.Sprintf("group %q: a deadline of a group that is not there", key.group))
	}
	switch key.kind {
	case sessionEnds:
		return s.endSession(now, g, key.member)
	case joinEnds:
		return s.endJoin(now, g)
	case syncEnds:
		return s.endSync(now, g)
	case expiryBegins:
		s.due.set(key, now.Add(s.config.OffsetsRetentionCheckInterval))
		return s.expire(now)
	}
	panic(fmt.Sprintf("group %q: deadline of kind %d", key.group, key.kind))
}

// TakeTransitions returns the transitions since it was last called.
func (s *Groups) TakeTransitions() []Transition {
	taken := s.transitions
	s.transitions = nil
	return taken
}

// become moves a group along an arrow of State's diagram.
func (s *Groups) become(now time.Time, g *group, next State, reason string) {
	if !g.state.may(next) {
		panic(fmt.Sprintf("group %q: no way from %s to %s", g.id, g.state, next))
	}
	s.transitions = append(s.transitions, Transition{
		Group: g.id, From: g.state, To: next, Generation: g.generation, Members: len(g.members), Reason: reason,
	})
	g.previous, g.state, g.since = g.state, next, now
}

// create makes an empty group, or says why not.
func (s *Groups) create(now time.Time, id string) (*group, *kerr.Error) {
	if len(s.groups) >= groupsMax {
		return nil, kerr.PolicyViolation
	}
	g := newGroup(id, now)
	s.groups[id] = g
	return g, nil
}

// drop forgets a group, and all that it waits for.
func (s *Groups) drop(g *group) {
	for _, m := range g.members {
		s.due.cancel(sessionOf(g, m.id))
	}
	for id := range g.pending {
		s.due.cancel(sessionOf(g, id))
	}
	s.due.cancel(deadlineKey{kind: joinEnds, group: g.id})
	s.due.cancel(deadlineKey{kind: syncEnds, group: g.id})
	delete(s.groups, g.id)
}

func sessionOf(g *group, id string) deadlineKey {
	return deadlineKey{kind: sessionEnds, group: g.id, member: id}
}

// renew begins a member's session anew.
func (s *Groups) renew(now time.Time, g *group, m *member) {
	s.due.set(sessionOf(g, m.id), now.Add(m.sessionTimeout))
}
