package replica

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// What a search of all interleavings needs of a replica (package explore): a copy,
// a name for what it is in, and time that passes for one member only.

// Clone returns a replica in the same state over another log, which must hold
// what this one's holds. The two share nothing that either changes.
func (r *Replica) Clone(log Log) *Replica {
	c := *r
	c.log = log
	c.lead.progress = slices.Clone(r.lead.progress)
	c.early = slices.Clone(r.early)
	c.out = slices.Clone(r.out)
	return &c
}

// Lapse has a leader believe that the member has lagged for LagMax longer than it
// has. What follows from that comes with the next event.
func (r *Replica) Lapse(node model.NodeID) {
	if p := r.progressOf(node); p != nil {
		p.caughtUp = p.caughtUp.Add(-r.lagMax)
	}
}

// AppendState appends a name of the replica's state: two replicas over equal logs,
// with no effects to take, that append the same do the same for ever after, where
// every event comes at the time now. So a time counts by how long ago it is, at most
// LagMax, and what a role does not read is left out.
func (r *Replica) AppendState(b []byte, now time.Time) []byte {
	w := stateWriter{b: b, now: now, lagMax: r.lagMax}
	w.num(int64(r.node), int64(r.brokerEpoch), int64(r.lagMax))
	w.view(&r.view)
	w.num(int64(r.role), int64(r.self), int64(r.durable), int64(r.hw), int64(r.normal))
	w.leading(&r.lead)
	w.following(&r.follow, r.role)
	w.num(int64(len(r.early)))
	for i := range r.early {
		w.num(int64(r.early[i].from))
		w.message(&r.early[i].m)
	}
	w.num(int64(r.question))
	w.flags(r.hasQuestion)
	return w.b
}

// AppendState appends a name of the message, under which no other goes.
func (m *Message) AppendState(b []byte) []byte {
	w := stateWriter{b: b}
	w.message(m)
	return w.b
}

// AppendState appends a name of the change, under which no other goes.
func (c *Change) AppendState(b []byte) []byte {
	w := stateWriter{b: b}
	w.change(c)
	return w.b
}

type stateWriter struct {
	b      []byte
	now    time.Time
	lagMax time.Duration
}

func (w *stateWriter) num(values ...int64) {
	for _, v := range values {
		w.b = binary.AppendVarint(w.b, v)
	}
}

func (w *stateWriter) flags(values ...bool) {
	for _, v := range values {
		if v {
			w.b = append(w.b, 1)
		} else {
			w.b = append(w.b, 0)
		}
	}
}

func (w *stateWriter) age(t time.Time) { w.num(int64(min(max(w.now.Sub(t), 0), w.lagMax))) }

func (w *stateWriter) stream(s Stream) { w.num(int64(s.BrokerEpoch), int64(s.Number)) }

func (w *stateWriter) view(v *View) {
	w.num(int64(v.Leader), int64(v.LeaderEpoch), int64(v.PartitionEpoch), int64(v.MinInsync), int64(len(v.Members)))
	w.flags(v.Replaced)
	for i := range v.Members {
		m := &v.Members[i]
		w.num(int64(m.Node), int64(m.BrokerEpoch))
		w.flags(m.InSync, m.Lost, m.Down, m.Removing)
	}
}

func (w *stateWriter) message(m *Message) {
	w.num(int64(m.Kind), int64(m.Epoch), int64(m.Start), int64(m.End), int64(m.LastEpoch),
		int64(m.ElectedEnd), int64(m.HighWatermark), int64(m.NewestEpoch))
	w.stream(m.Stream)
	w.flags(m.StartOver, m.Normal)
}

func (w *stateWriter) change(c *Change) {
	w.num(int64(c.LeaderEpoch), int64(c.PartitionEpoch), int64(len(c.ISR)))
	for _, m := range c.ISR {
		w.num(int64(m.Node), int64(m.BrokerEpoch))
	}
	w.num(int64(len(c.Lost)))
	for _, n := range c.Lost {
		w.num(int64(n))
	}
}

func (w *stateWriter) leading(l *leading) {
	w.num(int64(l.electedEnd), int64(l.end), int64(len(l.progress)))
	w.flags(l.saving)
	for i := range l.progress {
		p := &l.progress[i]
		w.stream(p.stream)
		w.flags(p.agreed, p.ready, p.normal)
		w.num(int64(p.next), int64(p.acked), int64(p.hwSent), int64(p.startSent), int64(p.markEnd))
		w.age(p.caughtUp)
		w.age(p.mark)
	}
	w.flags(l.pending.open)
	w.change(&l.pending.change)
	w.num(int64(l.pending.members))
	w.age(l.pending.proposed)
}

func (w *stateWriter) following(f *following, now role) {
	w.num(int64(f.leader), int64(f.epoch), int64(f.leaderMark), int64(f.electedEnd))
	w.stream(f.stream)
	w.flags(f.saving)
	switch now {
	case asking:
		w.age(f.asked)
	case cutting:
		w.num(int64(f.then), int64(f.cutTo))
		w.flags(f.startOver)
	case idle, followed, leader:
	}
}
