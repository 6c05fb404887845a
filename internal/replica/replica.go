package replica

import (
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// Log is what a replica asks of its log. The answers come from memory, and count
// what is written whether it is synced or not.
type Log interface {
	StartOffset() model.Offset
	EndOffset() model.Offset
	// EpochEnd is the greatest epoch of the log's history that is not greater than
	// e, and where it ends (exclusive); NoLeaderEpoch where there is none.
	EpochEnd(e model.LeaderEpoch) (model.LeaderEpoch, model.Offset)
	// LastEpoch is the last of the log's history; NoLeaderEpoch where it is empty.
	LastEpoch() model.LeaderEpoch
}

// Options are what a Replica begins with after a start of the process.
type Options struct {
	Node model.NodeID
	// BrokerEpoch is of this run's registration, which is applied already.
	BrokerEpoch model.BrokerEpoch
	Log         Log
	// DurableEnd is the part of the log that is known to be synced.
	DurableEnd model.Offset
	// NormalEpoch is the durable one; NoLeaderEpoch where there is none.
	NormalEpoch model.LeaderEpoch
	// HighWatermark is what is known of it, or 0.
	HighWatermark model.Offset
	// LagMax is replica.lag.time.max.ms.
	LagMax time.Duration
}

// Replica is one replica of one partition.
//
//	            ┌──────────── View: another leads ───────────┐
//	            ▼                                            │
//	idle ──▶ asking ──Agreed──▶ cutting ──Truncated──▶ following
//	 ▲          ▲ Reconnect, gap  │ Diverged: then asking     │
//	 │          └─────────────────┴───────────────────────────┘
//	 └─ View: nobody leads ── any ── View: this node leads ──▶ leading
//
// Invariants (check):
//   - HighWatermark ≤ log end; it never decreases in a run but where the log is cut below
//     it, which only the leader of an unclean election has a replica do that is not in sync.
//   - NormalEpoch ≤ view.LeaderEpoch; it never decreases.
//   - durable ≤ log end.
type Replica struct {
	node        model.NodeID
	brokerEpoch model.BrokerEpoch
	log         Log
	lagMax      time.Duration

	view View
	role role
	// self is this node's place in view.Members; -1: it holds no replica.
	self int

	durable model.Offset
	// hw is the offset below which everything is committed, as far as this
	// replica knows.
	hw model.Offset
	// normal is the last leader epoch in which this replica held, durably, all
	// that the epoch's leader held when it was elected, and nothing else.
	normal model.LeaderEpoch

	lead   leading
	follow following
	// early are positions of followers that have applied an epoch before this node.
	early []earlyPosition
	// question is of an election whose epoch is not applied yet, or while the log
	// is being cut.
	question    model.LeaderEpoch
	hasQuestion bool

	out []Effect
}

type role uint8

const (
	idle role = iota
	asking
	cutting
	followed // agreed with the leader
	leader
)

// New returns a replica without a role; the first View gives it one.
func New(o Options) *Replica {
	return &Replica{
		node: o.Node, brokerEpoch: o.BrokerEpoch, log: o.Log, lagMax: o.LagMax,
		view: View{Leader: model.NoNode, LeaderEpoch: model.NoLeaderEpoch}, self: -1,
		durable: o.DurableEnd, normal: o.NormalEpoch,
		hw: min(max(o.HighWatermark, o.Log.StartOffset()), o.Log.EndOffset()),
	}
}

// Take returns the effects of the events since the last Take, in order. The slice
// is good until the next event.
func (r *Replica) Take() []Effect {
	out := r.out
	r.out = r.out[:0]
	return out
}

func (r *Replica) emit(e Effect) { r.out = append(r.out, e) }

// Apply takes a newer version of the metadata. Versions may be skipped.
func (r *Replica) Apply(v View, now time.Time) {
	newEpoch := v.LeaderEpoch != r.view.LeaderEpoch
	old := r.view
	r.view, r.self = v, v.index(r.node)
	switch {
	case r.self < 0:
		r.becomeIdle()
	case newEpoch && v.Leader == r.node:
		r.becomeLeader(now)
	case newEpoch && v.Leader == model.NoNode:
		if !plant.On(plant.PromiseBroken) {
			r.becomeIdle()
		}
	case newEpoch:
		r.becomeFollower(now)
	case r.role == leader:
		r.viewChanged(old, now)
	case r.role == idle && old.index(r.node) < 0 && v.Leader != model.NoNode && v.Leader != r.node:
		r.becomeFollower(now) // it has become a replica within the epoch
	}
	r.maybeReply()
}

func (r *Replica) becomeIdle() {
	r.lead = leading{}
	if r.role == cutting { // what was begun is finished first: nobody is told an end that moves
		r.follow.then = idle
		return
	}
	r.role = idle
}

// Synced tells that the log is durable below end.
func (r *Replica) Synced(end model.Offset, now time.Time) {
	r.durable = max(r.durable, min(end, r.log.EndOffset()))
	switch r.role {
	case leader:
		r.maybeSaveNormal()
		r.advance()
		r.checkISR(now)
	case followed:
		r.acknowledge()
	case idle, asking, cutting:
	}
}

// NormalSaved tells that the normal epoch is durable.
func (r *Replica) NormalSaved(epoch model.LeaderEpoch, now time.Time) {
	r.normal = max(r.normal, epoch)
	switch r.role {
	case leader:
		r.advance()
		r.checkISR(now)
	case followed:
		if epoch == r.follow.epoch {
			r.follow.saving = false
			r.acknowledge()
		}
	case idle, asking, cutting:
	}
}

// Receive takes a message of another replica. Messages of older epochs, of
// streams that have been replaced, and of nodes that have no part in it are
// dropped.
func (r *Replica) Receive(from model.NodeID, m Message, now time.Time) {
	if m.Epoch < r.view.LeaderEpoch && !plant.On(plant.PromiseBroken) {
		return // this is the promise that an election relies on
	}
	switch m.Kind {
	case Position:
		r.receivePosition(from, m, now)
	case Ack:
		r.receiveAck(from, m, now)
	case Diverged, Agreed, Data:
		r.receiveFromLeader(from, m, now)
	}
}

// Ask takes an election's question. It is answered once its epoch is applied,
// which is a promise to take nothing of older ones, and the log's end stands still.
func (r *Replica) Ask(epoch model.LeaderEpoch) {
	if epoch < r.view.LeaderEpoch {
		return
	}
	r.question, r.hasQuestion = epoch, true
	r.maybeReply()
}

func (r *Replica) maybeReply() {
	if !r.hasQuestion {
		return
	}
	switch applied := r.view.LeaderEpoch; {
	case applied > r.question:
		r.hasQuestion = false
		return
	case applied < r.question && !plant.On(plant.AnswerBeforeApplied), r.role == cutting:
		return
	}
	r.hasQuestion = false
	r.emit(Effect{Kind: Reply, Answer: Answer{
		LeaderEpoch: r.question, NormalEpoch: r.normal, End: r.log.EndOffset(), HighWatermark: r.hw, LastEpoch: r.log.LastEpoch(),
	}})
}

// HighWatermark is the offset below which everything is committed, as far as this
// replica knows; its consumers read below it.
func (r *Replica) HighWatermark() model.Offset { return r.hw }

// Leads reports whether this replica leads, and in which epoch.
func (r *Replica) Leads() (model.LeaderEpoch, bool) { return r.view.LeaderEpoch, r.role == leader }

// NormalEpoch is the last epoch in which this replica was normal, durably.
func (r *Replica) NormalEpoch() model.LeaderEpoch { return r.normal }

// View is the metadata that the replica acts on.
func (r *Replica) View() *View { return &r.view }
