package partition

import (
	"context"
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// Acks is what a producer waits for; the numbers are Kafka's.
type Acks int16

// What a producer may wait for.
const (
	AcksNone   Acks = 0  // nothing
	AcksLeader Acks = 1  // the leader has it durably
	AcksAll    Acks = -1 // a commit quorum has it durably
)

// Append says how to append batches.
type Append struct {
	Origin storage.Origin
	Acks   Acks
	// Epoch is the leader epoch the caller acts in, or NoLeaderEpoch.
	Epoch model.LeaderEpoch
	Now   model.Timestamp
}

// Pending is an append that is in the log but not yet acknowledged.
type Pending struct {
	storage.Appended
	partition *Partition
	acks      Acks
	waiter    *waiter // nil: nothing to wait for
}

// Append writes batches to the log, all of them or none, in the order of the
// calls, and returns before they are durable. The bytes are changed in place
// (offsets and leader epoch) and not retained.
func (p *Partition) Append(batches []byte, a Append) (Pending, error) {
	pending, followers, err := p.append(batches, a)
	for _, node := range followers {
		if node != p.set.node {
			p.set.options.Peers.PushToFollower(node)
		}
	}
	return pending, err
}

// append is Append but for sending to the followers, which are those returned.
func (p *Partition) append(batches []byte, a Append) (pending Pending, followers []model.NodeID, err error) {
	p.role.RLock()
	defer p.role.RUnlock()
	state := p.state.Load()
	if err := state.checkLeader(a.Epoch); err != nil {
		return Pending{}, nil, err
	}
	if !p.set.options.Lease.Accepting() {
		return Pending{}, nil, ErrNotLeader
	}
	if a.Acks == AcksAll && !state.enoughReplicas() {
		return Pending{}, nil, fmt.Errorf("%w: %d of %d", ErrNotEnoughReplicas, len(state.ISR), state.MinInsync)
	}
	appended, err := p.log().Append(batches, storage.Append{
		LeaderEpoch: state.LeaderEpoch,
		Origin:      a.Origin,
		Now:         a.Now,
	})
	if err != nil {
		return Pending{}, nil, fmt.Errorf("append %s: %w", p.name, err)
	}
	pending = Pending{Appended: appended, partition: p, acks: a.Acks}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !appended.Duplicate && p.mu.failed == nil {
		now := time.Now()
		p.mu.replica.Appended(now)
		p.settleToPushLocked(now)
		followers = state.Replicas
	}
	pending.waiter, err = p.awaitLocked(appended.EndOffset, a.Acks)
	return pending, followers, err
}

// awaitLocked registers a wait for end, unless it is over already.
func (p *Partition) awaitLocked(end model.Offset, acks Acks) (*waiter, error) {
	mark, queue := p.mu.replica.HighWatermark(), &p.mu.committed
	switch acks {
	case AcksNone:
		return nil, nil
	case AcksLeader:
		mark, queue = p.mu.durableEnd, &p.mu.durable
	case AcksAll:
	}
	if mark >= end {
		return nil, nil
	}
	if p.mu.failed != nil {
		return nil, p.mu.failed
	}
	if acks == AcksAll && p.set.debug {
		state := p.state.Load()
		p.set.logger.Debug("acks=-1 registered", "partition", p.name, "offset", end, "isr", state.ISR,
			"quorum", isr.CommitQuorum(len(state.ISR), state.MinInsync))
	}
	w := p.set.waiters.get(end)
	queue.add(w)
	return w, nil
}

// TryWait is Wait without waiting: false where the append is not acknowledged
// yet. It may be called before Wait, not after.
func (p *Pending) TryWait() (done bool, err error) {
	if p.waiter == nil {
		return true, nil
	}
	select {
	case err := <-p.waiter.done:
		p.release()
		return true, p.served(context.Background(), err)
	default:
		return false, nil
	}
}

// Wait returns nil once the append is acknowledged as its Acks asked, the
// context's error where that ends first, and otherwise why it never will be:
// the records may be in the log all the same. It is called once.
func (p *Pending) Wait(ctx context.Context) error { return p.WaitUntil(ctx, nil) }

// WaitUntil is Wait that also ends, with context.DeadlineExceeded, when late can be
// received from: a timer that is used again costs a request less than a context.
func (p *Pending) WaitUntil(ctx context.Context, late <-chan time.Time) error {
	if p.waiter == nil {
		return nil
	}
	var ended error
	select {
	case err := <-p.waiter.done:
		p.release()
		return p.served(ctx, err)
	case <-late:
		ended = context.DeadlineExceeded
	case <-ctx.Done():
		ended = ctx.Err()
	}
	q := p.partition
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.acks == AcksLeader {
		q.mu.durable.remove(p.waiter)
	} else {
		q.mu.committed.remove(p.waiter)
	}
	p.release()
	return ended
}

// release gives the waiter back.
func (p *Pending) release() {
	p.partition.set.waiters.put(p.waiter)
	p.waiter = nil
}

// served is err, unless the node may not serve by now, and not soon: another may have
// taken the partition over, and whoever asks there must not hear less than here.
func (p *Pending) served(ctx context.Context, err error) error {
	if lease := p.partition.set.options.Lease; err == nil && !lease.Serving() && !lease.Await(ctx) {
		return ErrNotLeader
	}
	return err
}

// WaitCommitted returns once the high watermark has reached end: everything
// below it is final, and visible to consumers. It is ErrNotLeader where the node may not
// serve by then: another may have committed more.
func (p *Partition) WaitCommitted(ctx context.Context, end model.Offset) error {
	p.mu.Lock()
	w, err := p.awaitLocked(end, AcksAll)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	pending := Pending{partition: p, acks: AcksAll, waiter: w}
	// What was committed long ago is the last word only of who may still serve.
	return pending.served(ctx, pending.Wait(ctx))
}
