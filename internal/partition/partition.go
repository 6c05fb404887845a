package partition

import (
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/storage"
)

// Partition is one partition of which this node holds a replica. All methods
// may be called concurrently.
type Partition struct {
	name  model.TopicPartition
	topic model.TopicID
	node  model.NodeID
	log   *storage.Log
	// values are the topic's settings in force.
	values atomic.Pointer[settings.TopicValues]

	// role guards against appending across a change of leadership; state is
	// changed with it held exclusively, and may be read without it.
	role  sync.RWMutex
	state atomic.Pointer[State]

	mu struct {
		sync.Mutex
		// highWatermark is the end of what a commit quorum holds durably.
		// Invariant: start of log ≤ highWatermark ≤ durableEnd on the leader;
		// it never decreases within a leader epoch.
		highWatermark model.Offset
		// durableEnd is the end of what this node holds durably.
		durableEnd model.Offset
		committed  waiters // wait for highWatermark
		durable    waiters // wait for durableEnd
		watches    map[*Watch]struct{}
		failed     error // final: the disk failed or the partition is closed
	}
}

// State is a partition's role on this node, as the metadata image gives it.
// Immutable.
type State struct {
	meta.Partition
	// Leading is set where this node is the leader.
	Leading bool
	// MinInsync is min.insync.replicas, at most as many as there are replicas: a
	// setting for topics of three must not make those of one unwritable.
	MinInsync int
	// EpochStart is the log end offset at which this node became leader; the
	// high watermark may lag behind it for a moment (KIP-207).
	EpochStart model.Offset
}

func newPartition(name model.TopicPartition, topic model.TopicID, node model.NodeID) *Partition {
	p := &Partition{name: name, topic: topic, node: node}
	p.state.Store(&State{Partition: meta.Partition{Leader: model.NoNode, LeaderEpoch: model.NoLeaderEpoch}})
	return p
}

// Name is the topic and partition.
func (p *Partition) Name() model.TopicPartition { return p.name }

// TopicID is the identity of the topic.
func (p *Partition) TopicID() model.TopicID { return p.topic }

// State is the partition's role at this moment.
func (p *Partition) State() *State { return p.state.Load() }

// Offsets is where a partition's log begins and how far it reaches. Invariant:
// Start ≤ LastStable ≤ HighWatermark ≤ End.
type Offsets struct {
	Start model.Offset
	// LastStable is where the first open transaction begins, or the high
	// watermark: readers with read_committed see what is below it (KIP-98).
	LastStable    model.Offset
	HighWatermark model.Offset
	End           model.Offset
}

// Offsets is a consistent view of the partition's offsets.
func (p *Partition) Offsets() Offsets {
	p.mu.Lock()
	mark := p.mu.highWatermark
	p.mu.Unlock()
	// Read after the mark: start and end only grow, so the invariant's outer
	// bounds hold whatever happens in between.
	o := Offsets{
		Start: p.log.StartOffset(), HighWatermark: mark,
		LastStable: p.log.LastStableOffset(mark), End: p.log.EndOffset(),
	}
	// DeleteRecords may have moved the start to the high watermark meanwhile.
	o.HighWatermark = max(o.HighWatermark, o.Start)
	o.LastStable = max(o.LastStable, o.Start)
	return o
}

// become takes the role that the image gives. It returns after the epoch's
// start is recorded; an error leaves the partition offline.
func (p *Partition) become(next meta.Partition, values settings.TopicValues) error {
	p.role.Lock()
	defer p.role.Unlock()
	prev := p.state.Load()
	state := &State{
		Partition:  next,
		Leading:    next.Leader == p.node,
		MinInsync:  min(values.MinInsyncReplicas, len(next.Replicas)),
		EpochStart: prev.EpochStart,
	}
	newEpoch := next.LeaderEpoch != prev.LeaderEpoch
	if state.Leading && newEpoch {
		// Recorded before a record of the epoch is written, so that a follower
		// that asks where the epoch begins gets an answer even while it is
		// empty (KIP-101).
		if err := p.log.StartEpoch(next.LeaderEpoch); err != nil {
			return err
		}
		state.EpochStart = p.log.EndOffset()
	}
	p.state.Store(state)
	p.values.Store(&values)

	p.mu.Lock()
	defer p.mu.Unlock()
	if newEpoch && prev.Leading {
		// Those who wait were promised the quorum of an epoch that has ended.
		p.mu.committed.fail(ErrNotLeader)
		p.mu.durable.fail(ErrNotLeader)
	}
	p.mu.durableEnd = max(p.mu.durableEnd, p.log.DurableEnd())
	p.advanceLocked()
	p.notifyLocked()
	return nil
}

// durableTo is called by the log when more of it has become durable.
func (p *Partition) durableTo(end model.Offset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if end <= p.mu.durableEnd {
		return
	}
	p.mu.durableEnd = end
	p.mu.durable.reached(end)
	if p.advanceLocked() {
		p.notifyLocked()
	}
}

// advanceLocked moves the high watermark to what the commit quorum holds, and
// reports whether it has moved.
func (p *Partition) advanceLocked() bool {
	state := p.state.Load()
	if !state.Leading {
		return false
	}
	// Of the other members nothing is known until they report what they hold.
	followers := make([]model.Offset, len(state.ISR)-1)
	mark := replica.HighWatermark(p.mu.durableEnd, followers, state.MinInsync)
	if mark <= p.mu.highWatermark {
		return false
	}
	p.mu.highWatermark = mark
	p.mu.committed.reached(mark)
	return true
}

// fail ends every wait with err, now and for ever.
func (p *Partition) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.failed != nil {
		return
	}
	p.mu.failed = err
	p.mu.committed.fail(err)
	p.mu.durable.fail(err)
	p.notifyLocked()
}

// CheckLeader is nil where this node leads the partition, in the epoch that the
// caller knows where it knows one.
func (p *Partition) CheckLeader(known model.LeaderEpoch) error { return p.check(known) }

// checkLeader is the check that every request of a client goes through: we lead,
// and the epoch the client knows, where it says one, is ours (KIP-320).
func (s *State) checkLeader(known model.LeaderEpoch) error {
	switch {
	case known != model.NoLeaderEpoch && known < s.LeaderEpoch:
		return ErrFencedLeaderEpoch
	case known != model.NoLeaderEpoch && known > s.LeaderEpoch:
		return ErrUnknownLeaderEpoch
	case !s.Leading:
		return ErrNotLeader
	}
	return nil
}

// enoughReplicas reports whether acks=-1 may be promised.
func (s *State) enoughReplicas() bool { return len(s.ISR) >= s.MinInsync }
