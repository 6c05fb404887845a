package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/coordinator"
)

// replaceStatic has a static member come back without its id, after a restart:
// it gets another id, which fences who still runs under the old one, and its old
// assignment (KIP-345).
func (s *Groups) replaceStatic(now time.Time, g *group, m *member, w *waiter, j Join, protocols []protocol) outcome {
	before, leaderBefore := *m, g.leader
	fenced := fence(m)
	if m.joining != nil {
		g.joined--
	}
	m.joining, m.syncing = nil, nil
	s.due.cancel(sessionOf(g, m.id))
	g.rename(m, newMemberID(m.instance, j.Unique))
	m.client = j.Client
	s.renew(now, g, m)
	out := outcome{Answers: fenced}.Join(g.park(m, w, j.Request, protocols))

	switch g.state {
	case PreparingRebalance:
		return out.Join(s.maybeEndJoin(now, g))
	case CompletingRebalance:
		// The leader may have the old id already, and would assign to that.
		return out.Join(s.prepare(now, g, "a static member has been replaced"))
	case Stable:
		if g.choose() != g.protocol {
			return out.Join(s.prepare(now, g, "a static member has come back with other protocols"))
		}
	case Empty, Dead:
		panic("group: a static member in a group without members")
	}
	return out.Join(s.resume(now, g, m, j, resume{before: before, leader: leaderBefore, fenced: fenced}))
}

// fence answers what the member's old incarnation waits for.
func fence(m *member) []coordinator.Answer {
	var answers []coordinator.Answer
	for _, w := range []*waiter{m.joining, m.syncing} {
		if w != nil {
			answers = append(answers, coordinator.Answer{Waiter: w, Response: w.Fail(kerr.FencedInstanceID)})
		}
	}
	return answers
}

// resume is how a static member was before it came back.
type resume struct {
	before member
	leader string
	fenced []coordinator.Answer
}

// resume lets a static member go on in the running generation, without a
// rebalance. Its new id must be durable first.
func (s *Groups) resume(now time.Time, g *group, m *member, j Join, was resume) outcome {
	w, r := m.joining, j.Request
	g.joined--
	m.joining = nil
	resp := joinResponse(g, m, r)
	if r.Version >= joinSkipsAssignor {
		resp.SkipAssignment = m.id == g.leader
	} else {
		// An older leader would assign, and nobody would hear of it. It does not
		// where another is named: its own old id.
		resp.LeaderID, resp.Members = was.leader, nil
	}
	out := answer(w, resp)
	out.Records = append(out.Records, groupRecord(g))
	out.Failed = func(err error) outcome {
		s.due.cancel(sessionOf(g, m.id))
		g.count(m, -1)
		g.rename(m, was.before.id)
		m.client, m.protocols = was.before.client, was.before.protocols
		m.rebalanceTimeout, m.sessionTimeout = was.before.rebalanceTimeout, was.before.sessionTimeout
		g.count(m, +1)
		s.renew(now, g, m)
		return outcome{Answers: was.fenced}.Join(answer(w, joinError(r, "", codeOf(err))))
	}
	g.subscribe()
	return out
}
