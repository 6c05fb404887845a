package group

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// Join is a JoinGroup request, and what the machine cannot make itself.
type Join struct {
	Client  Client
	Request *kmsg.JoinGroupRequest
	// Unique goes into the id of a member that has none yet.
	Unique string
}

// Versions of JoinGroup that differ in what the coordinator does.
const (
	joinNeedsID       = 4 // a member must come back with its id (KIP-394)
	joinNullProtocol  = 7 // no protocol is null, not ""
	joinSkipsAssignor = 9 // a static leader that comes back need not assign (KIP-814)
)

// Join has a member join, or rejoin.
func (s *Groups) Join(now time.Time, w *waiter, j Join) outcome {
	r := j.Request
	if code := s.checkJoin(r); code != nil {
		return answer(w, joinError(r, r.MemberID, code))
	}
	g := s.groups[r.Group]
	if g != nil {
		return s.joinGroup(now, g, w, j)
	}
	if r.MemberID != "" {
		return answer(w, joinError(r, r.MemberID, kerr.UnknownMemberID))
	}
	if r.ProtocolType == "" || len(r.Protocols) == 0 {
		return answer(w, joinError(r, "", kerr.InconsistentGroupProtocol))
	}
	g, code := s.create(now, r.Group)
	if code != nil {
		return answer(w, joinError(r, "", code))
	}
	out := s.joinGroup(now, g, w, j)
	// That the group exists is durable before the member hears of it, as in
	// Kafka: tools see it, and its id cannot be lost to another coordinator.
	out.Records = append(out.Records, groupRecord(g))
	out.Failed = func(err error) outcome {
		s.drop(g)
		return answer(w, joinError(r, "", codeOf(err)))
	}
	return out
}

// checkJoin is what needs no group to be wrong.
func (s *Groups) checkJoin(r *kmsg.JoinGroupRequest) *kerr.Error {
	session := millis(r.SessionTimeoutMillis)
	switch {
	case r.Group == "" || len(r.Group) > stringBytesMax:
		return kerr.InvalidGroupID
	case session < s.config.SessionTimeoutMin || session > s.config.SessionTimeoutMax:
		return kerr.InvalidSessionTimeout
	case len(text(r.InstanceID)) > stringBytesMax-uniqueBytesMax || len(r.ProtocolType) > stringBytesMax:
		return kerr.InvalidRequest
	}
	for _, p := range r.Protocols {
		if len(p.Name) > stringBytesMax {
			return kerr.InvalidRequest
		}
	}
	return nil
}

// joinGroup has a member join a group that is there.
func (s *Groups) joinGroup(now time.Time, g *group, w *waiter, j Join) outcome {
	r := j.Request
	protocols := protocolsOf(r)
	switch {
	case !s.hasRoom(g, r, protocols):
		return answer(w, joinError(r, "", kerr.GroupMaxSizeReached))
	case !g.supports(r.ProtocolType, protocols):
		return answer(w, joinError(r, r.MemberID, kerr.InconsistentGroupProtocol))
	case r.MemberID != "":
		return s.rejoin(now, g, w, j, protocols)
	case text(r.InstanceID) != "":
		if m := g.static[*r.InstanceID]; m != nil {
			return s.replaceStatic(now, g, m, w, j, protocols)
		}
		return s.enter(now, g, newMemberID(*r.InstanceID, j.Unique), w, j, protocols)
	case r.Version >= joinNeedsID:
		return s.handOutID(now, g, w, j)
	}
	return s.enter(now, g, newMemberID(j.Client.ID, j.Unique), w, j, protocols)
}

// hasRoom reports whether the member may be in the group: Kafka's rule, and the
// limits of ours.
func (s *Groups) hasRoom(g *group, r *kmsg.JoinGroupRequest, protocols []protocol) bool {
	m := g.byID[r.MemberID]
	if m == nil && text(r.InstanceID) != "" && r.MemberID == "" {
		m = g.static[*r.InstanceID]
	}
	bytes := g.protocolBytes + bytesOf(protocols)
	if m != nil {
		bytes -= m.protocolBytes()
	}
	if bytes > protocolBytesMax || len(g.pending) >= pendingMembersMax && r.MemberID == "" {
		return false
	}
	switch g.state {
	case PreparingRebalance:
		// Those who do not rejoin leave: only who has joined counts.
		return m != nil && m.joining != nil || g.joined < s.config.MembersMax
	case CompletingRebalance, Stable:
		return m != nil || len(g.members) < s.config.MembersMax
	case Empty, Dead:
	}
	return true
}

// uniqueBytesMax is the room in a member id for what makes it unique.
const uniqueBytesMax = 64

// newMemberID is an id as Kafka makes them: readable, and unique.
func newMemberID(prefix, unique string) string {
	prefix = prefix[:min(len(prefix), stringBytesMax-uniqueBytesMax)]
	return strings.ToValidUTF8(prefix, "") + "-" + unique
}

// handOutID gives a new dynamic member its id, to come back with: a client that
// gave up on a slow rebalance, and tries again, would otherwise leave a member
// behind each time (KIP-394).
func (s *Groups) handOutID(now time.Time, g *group, w *waiter, j Join) outcome {
	id := newMemberID(j.Client.ID, j.Unique)
	g.pending[id] = struct{}{}
	s.due.set(sessionOf(g, id), now.Add(millis(j.Request.SessionTimeoutMillis)))
	return answer(w, joinError(j.Request, id, kerr.MemberIDRequired))
}

// enter makes a new member.
func (s *Groups) enter(now time.Time, g *group, id string, w *waiter, j Join, protocols []protocol) outcome {
	m := &member{
		id: id, instance: text(j.Request.InstanceID), client: j.Client,
		protocols: protocols, joining: w, fresh: true,
	}
	m.setTimeouts(j.Request)
	if g.state == PreparingRebalance && g.previous == Empty {
		g.extend = true
	}
	if len(g.members) == 0 {
		g.protocolType = j.Request.ProtocolType
	}
	g.add(m)
	s.due.set(sessionOf(g, id), now.Add(newMemberTimeout))
	return s.rebalance(now, g, "a member has joined")
}

func (m *member) setTimeouts(r *kmsg.JoinGroupRequest) {
	m.sessionTimeout = millis(r.SessionTimeoutMillis)
	m.rebalanceTimeout = millis(r.RebalanceTimeoutMillis)
	if r.Version < 1 || r.RebalanceTimeoutMillis < 0 {
		m.rebalanceTimeout = m.sessionTimeout
	}
}

// rejoin is a join by somebody who has an id.
func (s *Groups) rejoin(now time.Time, g *group, w *waiter, j Join, protocols []protocol) outcome {
	r := j.Request
	if _, ok := g.pending[r.MemberID]; ok {
		if text(r.InstanceID) != "" { // ids are handed out to dynamic members only
			return answer(w, joinError(r, r.MemberID, kerr.InvalidRequest))
		}
		return s.enter(now, g, r.MemberID, w, j, protocols)
	}
	if code := g.check(r.MemberID, r.InstanceID); code != nil {
		return answer(w, joinError(r, r.MemberID, code))
	}
	m := g.byID[r.MemberID]
	changed := !m.matches(protocols)
	switch g.state {
	case PreparingRebalance:
		return s.update(now, g, m, w, r, protocols, "a member has rejoined")
	case CompletingRebalance:
		if changed {
			return s.update(now, g, m, w, r, protocols, "a member has rejoined with other metadata")
		}
		// The response was lost: here it is again.
		return answer(w, joinResponse(g, m, r))
	case Stable:
		// The leader rejoins where it has seen that topics have changed.
		if m.id == g.leader || changed {
			return s.update(now, g, m, w, r, protocols, "a member has rejoined")
		}
		return answer(w, joinResponse(g, m, r))
	case Empty, Dead:
	}
	return answer(w, joinError(r, r.MemberID, kerr.UnknownMemberID))
}

// update gives a member that joins again its new protocols.
func (s *Groups) update(now time.Time, g *group, m *member, w *waiter, r *kmsg.JoinGroupRequest, protocols []protocol, reason string) outcome {
	out := g.park(m, w, r, protocols)
	return out.Join(s.rebalance(now, g, reason))
}

// park has a member wait in the join phase. A request that it waits with
// already is answered: its connection may have others in line behind it.
func (g *group) park(m *member, w *waiter, r *kmsg.JoinGroupRequest, protocols []protocol) outcome {
	var out outcome
	if m.joining != nil {
		out = answer(m.joining, m.joining.Fail(kerr.RebalanceInProgress))
	}
	g.count(m, -1)
	m.protocols, m.joining = protocols, w
	m.setTimeouts(r)
	g.count(m, +1)
	return out
}

// joinError is the response to who has not joined.
func joinError(r *kmsg.JoinGroupRequest, id string, code *kerr.Error) *kmsg.JoinGroupResponse {
	resp := r.ResponseKind().(*kmsg.JoinGroupResponse)
	resp.ErrorCode, resp.MemberID, resp.Generation = code.Code, id, noGeneration
	if r.Version < joinNullProtocol {
		resp.Protocol = new(string)
	}
	return resp
}

// joinResponse is the response to a member of the current generation.
func joinResponse(g *group, m *member, r *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	if r != nil {
		resp = r.ResponseKind().(*kmsg.JoinGroupResponse)
	}
	resp.Generation, resp.MemberID, resp.LeaderID = g.generation, m.id, g.leader
	protocolType, name := g.protocolType, g.protocol
	resp.ProtocolType, resp.Protocol = &protocolType, &name
	if m.id == g.leader {
		resp.Members = memberList(g)
	}
	return resp
}

// memberList is what the leader assigns from.
func memberList(g *group) []kmsg.JoinGroupResponseMember {
	list := make([]kmsg.JoinGroupResponseMember, len(g.members))
	for i, m := range g.members {
		list[i] = kmsg.NewJoinGroupResponseMember()
		list[i].MemberID, list[i].InstanceID = m.id, instancePointer(m.instance)
		list[i].ProtocolMetadata = m.metadata(g.protocol)
	}
	return list
}

func millis(n int32) time.Duration { return time.Duration(n) * time.Millisecond }

var _ coordinator.Machine = (*Groups)(nil)
