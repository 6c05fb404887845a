package group

import (
	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// syncNamesProtocol is the version of SyncGroup from which a member must say
// which protocol it believes in (KIP-559).
const syncNamesProtocol = 5

// Sync gives a member its assignment: at once, or when the leader brings it.
func (s *Groups) Sync(now time.Time, w *waiter, r *kmsg.SyncGroupRequest) outcome {
	g := s.groups[r.Group]
	if code := checkSync(g, r); code != nil {
		return answer(w, syncError(r, code))
	}
	m := g.byID[r.MemberID]
	switch g.state {
	case PreparingRebalance:
		return answer(w, syncError(r, kerr.RebalanceInProgress))
	case CompletingRebalance:
		return s.syncCompleting(now, g, m, w, r)
	case Stable:
		s.synced(g, m)
		s.renew(now, g, m)
		return answer(w, syncResponse(g, m))
	case Empty, Dead:
	}
	return answer(w, syncError(r, kerr.UnknownMemberID))
}

func checkSync(g *group, r *kmsg.SyncGroupRequest) *kerr.Error {
	switch {
	case r.Version >= syncNamesProtocol && (r.ProtocolType == nil || r.Protocol == nil):
		return kerr.InconsistentGroupProtocol
	case r.Group == "":
		return kerr.InvalidGroupID
	case g == nil:
		return kerr.UnknownMemberID
	}
	if code := g.check(r.MemberID, r.InstanceID); code != nil {
		return code
	}
	switch {
	case r.Generation != g.generation:
		return kerr.IllegalGeneration
	case r.ProtocolType != nil && *r.ProtocolType != g.protocolType,
		r.Protocol != nil && *r.Protocol != g.protocol:
		return kerr.InconsistentGroupProtocol
	}
	return nil
}

// synced notes that a member has asked; once all have, none can be late.
func (s *Groups) synced(g *group, m *member) {
	delete(g.unsynced, m.id)
	if len(g.unsynced) == 0 {
		s.due.cancel(deadlineKey{kind: syncEnds, group: g.id})
	}
}

func (s *Groups) syncCompleting(now time.Time, g *group, m *member, w *waiter, r *kmsg.SyncGroupRequest) outcome {
	var out outcome
	if m.syncing != nil { // asked twice: the first has been given up
		out = answer(m.syncing, m.syncing.Fail(kerr.RebalanceInProgress))
	}
	m.syncing = w
	s.synced(g, m)
	if m.id != g.leader {
		return out
	}
	return out.Join(s.assign(now, g, r.GroupAssignment))
}

// assign makes the leader's assignments the group's, once they are durable.
func (s *Groups) assign(now time.Time, g *group, assignments []kmsg.SyncGroupRequestGroupAssignment) outcome {
	for _, m := range g.members {
		m.assignment = []byte{} // who was forgotten has nothing to do
	}
	for _, a := range assignments {
		if m := g.byID[a.MemberID]; m != nil {
			m.assignment = bytes.Clone(a.MemberAssignment)
		}
	}
	s.become(now, g, Stable, "the leader has assigned")
	out := outcome{Records: []coordinator.Record{groupRecord(g)}}
	var waiting []*waiter
	for _, m := range g.members {
		if m.syncing == nil {
			continue
		}
		waiting = append(waiting, m.syncing)
		out.Answers = append(out.Answers, coordinator.Answer{Waiter: m.syncing, Response: syncResponse(g, m)})
		m.syncing = nil
		s.renew(now, g, m)
	}
	out.Failed = func(err error) outcome {
		var failed outcome
		for _, w := range waiting {
			failed = failed.Join(answer(w, w.Fail(err)))
		}
		for _, m := range g.members {
			m.assignment = nil
		}
		return failed.Join(s.prepare(now, g, "the assignment could not be written"))
	}
	return out
}

func syncResponse(g *group, m *member) *kmsg.SyncGroupResponse {
	resp := kmsg.NewPtrSyncGroupResponse()
	protocolType, name := g.protocolType, g.protocol
	resp.ProtocolType, resp.Protocol = &protocolType, &name
	resp.MemberAssignment = m.assignment
	return resp
}

func syncError(r *kmsg.SyncGroupRequest, code *kerr.Error) *kmsg.SyncGroupResponse {
	resp := r.ResponseKind().(*kmsg.SyncGroupResponse)
	resp.ErrorCode = code.Code
	resp.MemberAssignment = []byte{}
	return resp
}
