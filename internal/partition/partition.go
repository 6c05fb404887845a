package partition

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/storage"
)

// Partition is one partition of which this node holds a replica: what
// replica.Replica decides, carried out on a log. All methods may be called
// concurrently.
type Partition struct {
	name  model.TopicPartition
	topic model.TopicID
	set   *Set
	// current is the log, in home. Both change with role held exclusively, when the log
	// has moved to another directory; what is read from the log before is closed then
	// (onLog).
	current atomic.Pointer[storage.Log]
	home    atomic.Pointer[directory]
	// values are the topic's settings in force.
	values atomic.Pointer[settings.TopicValues]

	// moving is held while the log moves to another directory, and by who closes it.
	moving sync.Mutex

	// role guards against appending across a change of leadership; state is
	// changed with it held exclusively, and may be read without it.
	role  sync.RWMutex
	state atomic.Pointer[State]

	// receiving is held while a leader's message is carried out, disk included:
	// one at a time, also where an older stream has not quite ended.
	receiving sync.Mutex

	// rest are effects that come after one for the disk, while that is carried out. It
	// belongs to the event that has it, of which there is one at a time (needsDisk).
	rest []replica.Effect

	mu struct {
		sync.Mutex
		// replica decides; its events are this lock's critical sections.
		replica *replica.Replica
		// durableEnd is the end of what this node holds durably.
		durableEnd model.Offset
		committed  waiters // wait for the high watermark
		durable    waiters // wait for durableEnd
		watches    map[*Watch]struct{}
		failed     error // final: the disk failed or the partition is closed
		// sender is who sends what the effects that are being carried out give other nodes.
		sender Sender
		// pausedUntil is when a leader is heard again whose data could not be used.
		pausedUntil time.Time
		// tick is the replica's alarm, and tickAt when it goes off; zero: not set.
		tick   *time.Timer
		tickAt time.Time
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

func newPartition(s *Set, name model.TopicPartition, topic model.TopicID) *Partition {
	p := &Partition{name: name, topic: topic, set: s}
	p.state.Store(&State{Partition: meta.Partition{Leader: model.NoNode, LeaderEpoch: model.NoLeaderEpoch}})
	return p
}

// log is the log at this moment.
func (p *Partition) log() *storage.Log { return p.current.Load() }

// onLog reads from the log; once more, where the log has moved meanwhile.
func onLog[T any](p *Partition, read func(*storage.Log) (T, error)) (T, error) {
	for {
		log := p.log()
		result, err := read(log)
		if log == p.log() || !errors.Is(err, storage.ErrClosed) {
			return result, err
		}
	}
}

// setLogConfig hands the log what a topic's settings say; one that takes its place has
// them from it.
func (p *Partition) setLogConfig(values settings.TopicValues) {
	p.role.RLock()
	defer p.role.RUnlock()
	p.log().SetConfig(logConfig(values))
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
	mark := p.mu.replica.HighWatermark()
	p.mu.Unlock()
	// Read after the mark: start and end only grow while this node leads, so the
	// invariant's outer bounds hold whatever happens in between.
	o := Offsets{
		Start: p.log().StartOffset(), HighWatermark: mark,
		LastStable: p.log().LastStableOffset(mark), End: p.log().EndOffset(),
	}
	// DeleteRecords may have moved the start to the high watermark meanwhile.
	o.HighWatermark = max(o.HighWatermark, o.Start)
	o.LastStable = max(o.LastStable, o.Start)
	o.End = max(o.End, o.HighWatermark)
	return o
}

// become takes the role that the image gives. It returns after the epoch's
// start is recorded; an error leaves the partition offline.
func (p *Partition) become(to *placement) error {
	p.role.Lock()
	defer p.role.Unlock()
	prev := p.state.Load()
	p.values.Store(to.values)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.failed != nil {
		return p.mu.failed
	}
	now := time.Now()
	p.mu.replica.Apply(to.view, now)
	_, leads := p.mu.replica.Leads()
	p.state.Store(&State{
		Partition: *to.next, Leading: leads, MinInsync: to.view.MinInsync,
		EpochStart: p.mu.replica.ElectedEnd(),
	})
	if leads && electedUncleanly(&prev.Partition, to.next) {
		p.tellUncleanLocked(prev, to.next.LeaderEpoch)
	}
	if leads && !slices.Equal(prev.ISR, to.next.ISR) {
		p.set.isrChanged(p.name, prev, to.next.ISR)
	}
	ended := prev.Leading && (!leads || to.next.LeaderEpoch != prev.LeaderEpoch)
	if ended {
		p.set.options.Peers.Resigned(p) // before it begins to talk in another role
	}
	if joined := slices.Contains(to.next.ISR, p.set.node) && len(prev.ISR) > 0 && !slices.Contains(prev.ISR, p.set.node); joined && !leads {
		p.set.logger.Info("Caught up with leader at offset", "partition", p.name, "offset", p.log().EndOffset(), "leader", to.next.Leader, "epoch", to.next.LeaderEpoch)
	}
	err := p.performLocked(nil, now)
	if ended {
		// Those who wait were promised the quorum of an epoch that has ended.
		p.mu.committed.fail(ErrNotLeader)
		p.mu.durable.fail(ErrNotLeader)
	}
	p.notifyLocked()
	return err
}

// durableTo is called by the log when more of it has become durable.
//
// The log is asked again: a sync that has returned may be told of after a cut,
// and what it synced is not there any more, or is something else.
func (p *Partition) durableTo(model.Offset) {
	p.mu.Lock()
	if p.mu.failed != nil || p.mu.replica == nil { // still being opened
		p.mu.Unlock()
		return
	}
	end := p.log().DurableEnd()
	p.mu.durableEnd = end
	p.mu.durable.reached(end)
	now := time.Now()
	p.mu.replica.Synced(end, now)
	_, leads := p.mu.replica.Leads()
	leader := p.mu.replica.View().Leader
	// Where more has been appended meanwhile, its sync is to begin at once, and this
	// goroutine is who does it. Pushed all the same, the acknowledgements of 128 callers
	// cost the nodes a tenth more processor time.
	push := !leads && leader != model.NoNode && p.log().EndOffset() == end
	if push {
		p.settleToPushLocked(now)
	} else {
		p.settleLocked(now)
	}
	p.mu.Unlock()
	if push {
		p.set.options.Peers.PushToLeader(leader)
	}
}

// fail ends every wait with err, now and for ever.
func (p *Partition) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failLocked(err)
}

func (p *Partition) failLocked(err error) {
	if p.mu.failed != nil {
		return
	}
	p.mu.failed = err
	if p.mu.tick != nil {
		p.mu.tick.Stop()
	}
	p.mu.committed.fail(err)
	p.mu.durable.fail(err)
	p.notifyLocked()
}

// CheckLeader is nil where this node leads the partition, in the epoch that the
// caller knows where it knows one.
func (p *Partition) CheckLeader(known model.LeaderEpoch) error { return p.check(known) }

// checkEpoch holds the epoch that a client knows, where it says one, to ours (KIP-320).
func (s *State) checkEpoch(known model.LeaderEpoch) error {
	switch {
	case known != model.NoLeaderEpoch && known < s.LeaderEpoch:
		return ErrFencedLeaderEpoch
	case known != model.NoLeaderEpoch && known > s.LeaderEpoch:
		return ErrUnknownLeaderEpoch
	}
	return nil
}

// checkLeader is the check that every request of a client goes through: we lead,
// and in the epoch that the client knows.
func (s *State) checkLeader(known model.LeaderEpoch) error {
	if err := s.checkEpoch(known); err != nil {
		return err
	}
	if !s.Leading {
		return ErrNotLeader
	}
	return nil
}

// enoughReplicas reports whether acks=-1 may be promised.
func (s *State) enoughReplicas() bool { return len(s.ISR) >= s.MinInsync }
