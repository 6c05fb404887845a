package replica

import (
	"time"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// pending is a proposed set that may be in force already. It ends when a version
// of the metadata with a newer partition epoch is applied, and in no other way:
// the controller answers every proposal that is not overtaken with such a
// version, also where it refuses the set, so that no copy of the proposal can
// take effect after the leader has given it up.
type pending struct {
	open     bool
	change   Change
	members  members
	proposed time.Time
}

// proposeAgainAfter is when a proposal is sent again that nothing is heard of:
// the controller may have died with it.
const proposeAgainAfter = 500 * time.Millisecond

// floor is the offset up to which records may be committed: by this leader, or by
// an earlier one without this one having heard of it. Whoever joins must hold it, and
// what remains after a member is dropped must hold it.
func (r *Replica) floor() model.Offset { return max(r.hw, r.lead.electedEnd) }

// Tick looks at lags, and at what had no answer.
func (r *Replica) Tick(now time.Time) {
	switch {
	case r.role == leader:
		r.checkISR(now)
	case r.role == asking && now.Sub(r.follow.asked) >= askAgainAfter:
		r.ask(now)
	}
}

// NextTick is when Tick may have something to do, unless an event comes first; ok
// is false where it has nothing to wait for. Whoever lags already waits for nothing but
// events: that the rest holds what is committed.
func (r *Replica) NextTick(now time.Time) (at time.Time, ok bool) {
	switch r.role {
	case asking:
		return r.follow.asked.Add(askAgainAfter), true
	case idle, cutting, followed:
		return time.Time{}, false
	case leader:
	}
	if p := &r.lead.pending; p.open {
		return p.proposed.Add(proposeAgainAfter), true
	}
	end := r.log.EndOffset()
	for i := range r.lead.progress {
		p := &r.lead.progress[i]
		if i == r.self || !r.view.Members[i].InSync || p.normal && p.acked >= end {
			continue
		}
		if lagging := p.caughtUp.Add(r.lagMax); lagging.After(now) && (!ok || lagging.Before(at)) {
			at, ok = lagging, true
		}
	}
	return at, ok
}

// checkISR proposes another set where one is due, one at a time.
func (r *Replica) checkISR(now time.Time) {
	if r.lead.pending.open {
		r.maybeProposeAgain(now)
		return
	}
	if r.normal < r.view.LeaderEpoch {
		return
	}
	current := r.view.inSync()
	next, readmits := members(0), false
	for i := range r.view.Members {
		if r.belongs(i, now) {
			next.add(i)
		}
		readmits = readmits || r.readmits(i)
	}
	if drops := current &^ next; drops != 0 && !r.safeWithout(next) {
		next |= current // who joins may go first; who lags is counted on still
	}
	if next != current || readmits {
		r.propose(next, now)
	}
}

func (r *Replica) maybeProposeAgain(now time.Time) {
	p := &r.lead.pending
	if now.Sub(p.proposed) < proposeAgainAfter {
		return
	}
	if plant.On(plant.PendingForgotten) {
		r.lead.pending = pending{}
		return
	}
	p.proposed = now
	r.emit(Effect{Kind: Propose, Change: &p.change})
}

// belongs says whether a member should be in sync.
func (r *Replica) belongs(i int, now time.Time) bool {
	m, p := &r.view.Members[i], &r.lead.progress[i]
	switch {
	case i == r.self:
		return true
	case m.Removing && (!m.InSync || r.view.Replaced || plant.On(plant.DropBeforeCaughtUp)):
		return false
	case m.InSync:
		return !m.Down && now.Sub(r.caughtUp(i, now)) < r.lagMax
	default:
		return !m.Down && r.complete(i) && p.stream.BrokerEpoch == m.BrokerEpoch
	}
}

// caughtUp is when a member last had all there was: now, where it has it still.
func (r *Replica) caughtUp(i int, now time.Time) time.Time {
	p := &r.lead.progress[i]
	if p.normal && p.acked >= r.log.EndOffset() {
		return now
	}
	return p.caughtUp
}

// complete: the follower holds all that may be committed.
func (r *Replica) complete(i int) bool {
	p := &r.lead.progress[i]
	return p.agreed && p.normal && (p.acked >= r.floor() || plant.On(plant.ExpandBelowFloor))
}

// readmits says whether a lost member's mark may go: it holds everything again,
// as if it had never lost anything.
func (r *Replica) readmits(i int) bool {
	m, p := &r.view.Members[i], &r.lead.progress[i]
	if !m.Lost || m.Down {
		return false
	}
	if i == r.self {
		return r.durable >= r.floor()
	}
	return (r.complete(i) || plant.On(plant.ReadmitBelowFloor)) && p.stream.BrokerEpoch == m.BrokerEpoch
}

// safeWithout: a majority of the remaining members holds all that may be
// committed. With {1,2,3} a record may be committed on {1,3}; dropping 3 before 2
// has it would lose it.
func (r *Replica) safeWithout(next members) bool {
	return r.held(next, isr.Majority(next.count())) >= r.floor() || plant.On(plant.ShrinkBelowFloor)
}

func (r *Replica) propose(next members, now time.Time) {
	change := Change{LeaderEpoch: r.view.LeaderEpoch, PartitionEpoch: r.view.PartitionEpoch}
	for i := range r.view.Members {
		if !next.has(i) {
			continue
		}
		m := &r.view.Members[i]
		epoch := m.BrokerEpoch
		if i != r.self && (!m.InSync || r.readmits(i)) {
			epoch = r.lead.progress[i].stream.BrokerEpoch
		}
		change.ISR = append(change.ISR, ChangeMember{Node: m.Node, BrokerEpoch: epoch})
		if m.Lost && !r.readmits(i) {
			change.Lost = append(change.Lost, m.Node)
		}
	}
	r.lead.pending = pending{open: true, change: change, members: next, proposed: now}
	r.emit(Effect{Kind: Propose, Change: &r.lead.pending.change})
}
