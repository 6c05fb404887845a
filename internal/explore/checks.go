package explore

import (
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
)

// Violation is a promise that was not kept. The invariants are those of
// docs/replication.md, by the names that package sim gives them.
type Violation struct {
	Invariant string
	What      string
}

func (v *Violation) Error() string { return v.Invariant + ": " + v.What }

func violated(invariant, format string, args ...any) *Violation {
	return &Violation{Invariant: invariant, What: fmt.Sprintf(format, args...)}
}

// check looks at what has come of a happening at one broker. All others are as they
// were, and were looked at then.
func (w *world) check(s *state, n model.NodeID, o *outcome) *Violation {
	b := w.broker(s, n)
	if !b.up() {
		return nil
	}
	g := w.ghosts.get(s.ghost)
	if o.elected {
		if v := w.checkElected(s, b, &g); v != nil {
			return v
		}
	}
	if o.committed {
		if v := w.checkCommitted(s, b, &g, o.before); v != nil {
			return v
		}
	}
	return checkReads(b, &g)
}

// checkElected: SingleLeaderPerEpoch and LeaderCompleteness.
func (w *world) checkElected(s *state, b *broker, g *ghost) *Violation {
	epoch, _ := b.machine.Leads()
	for _, r := range g.epochs {
		if r.epoch == epoch && r.leader != b.node {
			return violated("SingleLeaderPerEpoch", "brokers %d and %d lead epoch %d", r.leader, b.node, epoch)
		}
	}
	for at, c := range g.ledger {
		if c.in < epoch && (at >= len(b.log.entries) || b.log.entries[at] != c.entry) {
			return violated("LeaderCompleteness", "broker %d leads epoch %d without record %d, committed at %d in epoch %d",
				b.node, epoch, c.value, at, c.in)
		}
	}
	// An epoch is forgotten when it and the next are over: nobody follows it by then.
	oldest := epoch
	for n := range model.NodeID(brokers) {
		if other := w.broker(s, n); other.up() {
			oldest = min(oldest, other.machine.View().LeaderEpoch)
		}
	}
	g.epochs = slices.DeleteFunc(slices.Clone(g.epochs), func(r reign) bool { return r.epoch < oldest })
	if !slices.ContainsFunc(g.epochs, func(r reign) bool { return r.epoch == epoch }) {
		g.epochs = append(g.epochs, reign{epoch: epoch, leader: b.node})
	}
	s.ghost = w.putGhost(*g)
	return nil
}

// checkCommitted: MonotonicHighWatermark, NoAckedLoss, LogMatching and
// QuorumHoldsHighWatermark, when a leader has moved its high watermark.
func (w *world) checkCommitted(s *state, b *broker, g *ghost, from model.Offset) *Violation {
	epoch, _ := b.machine.Leads()
	to := b.machine.HighWatermark()
	g.epochs = slices.Clone(g.epochs)
	for i := range g.epochs {
		r := &g.epochs[i]
		if r.epoch != epoch {
			continue
		}
		if to < r.mark {
			return violated("MonotonicHighWatermark", "epoch %d: from %d back to %d", epoch, r.mark, to)
		}
		r.mark = to
	}
	g.ledger = slices.Clone(g.ledger)
	for at := from; at < to; at++ {
		e := b.log.entries[at]
		switch {
		case int(at) >= len(g.ledger):
			g.ledger = append(g.ledger, committed{e, epoch})
		case g.ledger[at].entry != e:
			return violated("NoAckedLoss", "broker %d commits record %d at %d in epoch %d, where record %d was acknowledged in epoch %d",
				b.node, e.value, at, epoch, g.ledger[at].value, g.ledger[at].in)
		}
	}
	s.ghost = w.putGhost(*g)
	return w.checkQuorum(s, b, to)
}

// checkQuorum: so many disks of the set in force hold what is committed that no
// crash of all of them together loses it. What a fault has taken away since it was
// acknowledged counts as held.
func (w *world) checkQuorum(s *state, b *broker, to model.Offset) *Violation {
	view := b.machine.View()
	holders, size := 0, 0
	for i := range view.Members {
		if !view.Members[i].InSync {
			continue
		}
		size++
		m := w.broker(s, view.Members[i].Node)
		if m.lossy || m.log.synced >= to || w.bounds.Relaxed && m.log.EndOffset() >= to {
			holders++
		}
	}
	if need := isr.CommitQuorum(size, view.MinInsync); holders < need {
		return violated("QuorumHoldsHighWatermark", "broker %d commits up to %d, which %d of %d members in sync hold; %d have to",
			b.node, to, holders, size, need)
	}
	return nil
}

// checkReads: a consumer that reads below a replica's high watermark gets what is
// committed, and nothing else.
func checkReads(b *broker, g *ghost) *Violation {
	mark := int(b.machine.HighWatermark())
	if mark > len(g.ledger) {
		return violated("ReadsBelowHighWatermark", "broker %d lets consumers read up to %d, and %d is committed", b.node, mark, len(g.ledger))
	}
	for at, e := range b.log.entries[:min(mark, len(b.log.entries))] {
		if e != g.ledger[at].entry {
			return violated("LogMatching", "broker %d has record %d of epoch %d at %d, where record %d of epoch %d is committed",
				b.node, e.value, e.epoch, at, g.ledger[at].value, g.ledger[at].epoch)
		}
	}
	return nil
}
