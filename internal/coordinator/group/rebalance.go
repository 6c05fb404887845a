package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/coordinator"
)

// rebalance begins a rebalance or, where one is in its join phase, looks whether
// that is over.
func (s *Groups) rebalance(now time.Time, g *group, reason string) outcome {
	if g.state.may(PreparingRebalance) {
		return s.prepare(now, g, reason)
	}
	return s.maybeEndJoin(now, g)
}

// prepare begins the join phase.
func (s *Groups) prepare(now time.Time, g *group, reason string) outcome {
	var out outcome
	if g.state == CompletingRebalance {
		out.Answers = s.failSync(now, g, kerr.RebalanceInProgress)
	}
	s.due.cancel(deadlineKey{kind: syncEnds, group: g.id})
	first := g.state == Empty
	s.become(now, g, PreparingRebalance, reason)
	key := deadlineKey{kind: joinEnds, group: g.id}
	if first {
		// Members of a new group start within a moment of each other: one
		// generation with all is worth the delay (KIP-134).
		delay := s.config.InitialRebalanceDelay
		g.extend, g.initialLeft = false, max(g.rebalanceTimeout()-delay, 0)
		s.due.set(key, now.Add(delay))
		return out
	}
	if g.allJoined() {
		return out.Join(s.complete(now, g))
	}
	s.due.set(key, now.Add(g.rebalanceTimeout()))
	return out
}

// failSync ends the sync phase without assignments.
func (s *Groups) failSync(now time.Time, g *group, code *kerr.Error) []coordinator.Answer {
	var answers []coordinator.Answer
	for _, m := range g.members {
		m.assignment = nil
		if m.syncing != nil {
			answers = append(answers, coordinator.Answer{Waiter: m.syncing, Response: m.syncing.Fail(code)})
			m.syncing = nil
			s.renew(now, g, m)
		}
	}
	return answers
}

// maybeEndJoin ends the join phase once nobody is waited for. The first one of a
// group lasts its delay in any case.
func (s *Groups) maybeEndJoin(now time.Time, g *group) outcome {
	if g.state == PreparingRebalance && g.previous != Empty && g.allJoined() {
		return s.complete(now, g)
	}
	return outcome{}
}

// endJoin is the deadline of the join phase.
func (s *Groups) endJoin(now time.Time, g *group) outcome {
	if g.state == PreparingRebalance && g.previous == Empty && g.extend && g.initialLeft > 0 {
		delay := min(s.config.InitialRebalanceDelay, g.initialLeft)
		g.extend, g.initialLeft = false, max(g.initialLeft-s.config.InitialRebalanceDelay, 0)
		s.due.set(deadlineKey{kind: joinEnds, group: g.id}, now.Add(delay))
		return outcome{}
	}
	return s.complete(now, g)
}

// complete ends the join phase: who has not rejoined is out, and who has is told
// the new generation.
func (s *Groups) complete(now time.Time, g *group) outcome {
	joinKey := deadlineKey{kind: joinEnds, group: g.id}
	s.due.cancel(joinKey)
	for _, m := range append([]*member(nil), g.members...) {
		// A static member is not expected before its session ends (KIP-345).
		if m.joining == nil && m.instance == "" {
			s.due.cancel(sessionOf(g, m.id))
			g.remove(m)
		}
	}
	if len(g.members) > 0 && !g.electJoined() {
		// Static members only, and none is here: their sessions decide.
		s.due.set(joinKey, now.Add(g.rebalanceTimeout()))
		return outcome{}
	}
	g.generation++
	clear(g.unsynced)
	if len(g.members) == 0 {
		g.protocol = ""
		g.subscribe()
		s.become(now, g, Empty, "all members are gone")
		return outcome{Records: []coordinator.Record{groupRecord(g)}}
	}
	g.protocol = g.choose()
	g.subscribe()
	s.become(now, g, CompletingRebalance, "the join phase is over")
	var out outcome
	for _, m := range g.members {
		g.unsynced[m.id] = struct{}{}
		m.fresh = false
		s.renew(now, g, m)
		if m.joining != nil {
			out.Answers = append(out.Answers, coordinator.Answer{Waiter: m.joining, Response: joinResponse(g, m, nil)})
			m.joining = nil
		}
	}
	g.joined = 0
	s.due.set(deadlineKey{kind: syncEnds, group: g.id}, now.Add(g.rebalanceTimeout()))
	return out
}

// endSync is the deadline of the sync phase: who has not asked for its assignment
// is out.
func (s *Groups) endSync(now time.Time, g *group) outcome {
	var out outcome
	for id := range g.unsynced {
		if m := g.byID[id]; m != nil {
			out = out.Join(s.expel(g, m))
		}
	}
	return out.Join(s.prepare(now, g, "members have not synced"))
}

// endSession is the deadline of a member's session, or of an id handed out.
func (s *Groups) endSession(now time.Time, g *group, id string) outcome {
	if _, ok := g.pending[id]; ok {
		delete(g.pending, id)
		return s.maybeEndJoin(now, g)
	}
	m := g.byID[id]
	if m == nil || !m.fresh && (m.joining != nil || m.syncing != nil) {
		return outcome{} // who waits for us is there; the session begins again with the answer
	}
	out := s.expel(g, m)
	return out.Join(s.afterRemoval(now, g, "a member's session has ended"))
}

// expel removes a member, and tells it so where it waits.
func (s *Groups) expel(g *group, m *member) outcome {
	var out outcome
	for _, w := range []*waiter{m.joining, m.syncing} {
		if w != nil {
			out.Answers = append(out.Answers, coordinator.Answer{Waiter: w, Response: w.Fail(kerr.UnknownMemberID)})
		}
	}
	s.due.cancel(sessionOf(g, m.id))
	g.remove(m)
	return out
}

// afterRemoval goes on without who has been removed.
func (s *Groups) afterRemoval(now time.Time, g *group, reason string) outcome {
	switch g.state {
	case Stable, CompletingRebalance:
		return s.prepare(now, g, reason)
	case PreparingRebalance:
		return s.maybeEndJoin(now, g)
	case Empty, Dead:
	}
	return outcome{}
}
