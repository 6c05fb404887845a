package coordinator

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// Options are what a Runtime needs.
type Options[M Machine] struct {
	Logger *slog.Logger
	// New makes the machine of a shard, empty.
	New func(model.Partition) M
	// Open gives the log of a shard, under the epoch it was elected with.
	Open func(model.Partition, model.LeaderEpoch) (Log, error)
	// Limits bound the reading of the log's batches.
	Limits record.Limits
}

// Runtime is the shards of one internal topic that this node leads. All methods
// may be called concurrently.
type Runtime[M Machine] struct {
	options Options[M]
	// started tells Run of shards that wait for their goroutine.
	started chan struct{}

	mu struct {
		sync.Mutex
		shards  map[model.Partition]*shard[M]
		pending []*shard[M] // Invariant: no goroutine yet
	}
}

// New makes a runtime without shards.
func New[M Machine](o Options[M]) *Runtime[M] {
	r := &Runtime[M]{options: o, started: make(chan struct{}, 1)}
	r.mu.shards = make(map[model.Partition]*shard[M])
	return r
}

// Run owns the shards' goroutines. When ctx has ended and they have, it returns.
func (r *Runtime[M]) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	defer loops.Wait()
	for {
		for _, s := range r.takePending() {
			loops.Go(func() { s.loop(ctx) })
		}
		select {
		case <-r.started:
		case <-ctx.Done():
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, s := range r.mu.shards {
				s.resign()
			}
			clear(r.mu.shards)
			return nil
		}
	}
}

func (r *Runtime[M]) takePending() []*shard[M] {
	r.mu.Lock()
	defer r.mu.Unlock()
	pending := r.mu.pending
	r.mu.pending = nil
	return pending
}

// Elected begins a shard: this node leads the partition from epoch on. A shard
// of an older epoch ends. It does not block.
func (r *Runtime[M]) Elected(p model.Partition, epoch model.LeaderEpoch) {
	s := &shard[M]{
		partition: p, epoch: epoch, logger: r.options.Logger, limits: r.options.Limits,
		newM:   func() M { return r.options.New(p) },
		open:   func() (Log, error) { return r.options.Open(p, epoch) },
		closed: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.mu.shards[p]; old != nil {
		if old.epoch >= epoch {
			return // told twice
		}
		old.resign()
	}
	r.mu.shards[p] = s
	r.mu.pending = append(r.mu.pending, s)
	select {
	case r.started <- struct{}{}:
	default:
	}
}

// Resigned ends a shard: this node leads the partition no more. It does not
// block; what was waited for is answered with ErrNotLeader.
func (r *Runtime[M]) Resigned(p model.Partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.mu.shards[p]; s != nil {
		s.resign()
		delete(r.mu.shards, p)
	}
}

// Do has a shard decide an event, and returns what w is answered with. The
// answer is the waiter's failure where there is no such shard, it is not
// active, or ctx ends first.
func (r *Runtime[M]) Do(ctx context.Context, p model.Partition, w *Waiter, event func(M, time.Time) Outcome) any {
	r.mu.Lock()
	s := r.mu.shards[p]
	r.mu.Unlock()
	if s == nil {
		return w.fail(ErrNotLeader)
	}
	return s.do(ctx, w, event)
}

// Shards lists the partitions that have a shard here, in whatever state.
func (r *Runtime[M]) Shards() []model.Partition {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]model.Partition, 0, len(r.mu.shards))
	for p := range r.mu.shards {
		list = append(list, p)
	}
	return list
}

// Tell queues an event that nobody waits for in every shard. It does not block.
func (r *Runtime[M]) Tell(event func(M, time.Time) Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.mu.shards {
		s.enqueue(event)
	}
}
