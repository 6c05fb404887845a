package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// DiskOptions say what a Disk serves.
type DiskOptions struct {
	FS     vfs.FS
	Dir    string // the data directory, which holds the partitions' directories
	Logger *slog.Logger
	Failed func(error) // told once when the directory is fenced; may be nil; must not block
	// CheckpointInterval is how long records may stay above their log's recovery
	// point, once there are enough of them to matter
	// (log.flush.offset.checkpoint.interval.ms).
	CheckpointInterval time.Duration
	// FollowedBytes is what the page cache is to keep of all logs that follow a leader;
	// 0: as much as the system likes.
	FollowedBytes int64
	// CountWith, where not nil, is another directory's Disk, whose CommitStats have this
	// one's too.
	CountWith *Disk
}

// syncsAtOnce is how many logs are synced at a time. A disk takes several syncs at
// once, and one log's appends need not wait for those of forty others: 12 partitions
// took 2.9 times, and 50 took 3.2 times the records a second that they took when one
// goroutine synced them in turn (docs/adr/0009).
const syncsAtOnce = 8

// Disk is what the logs of one data directory share: the group commit, the
// checkpoint files, the files opened for reading, and the fence.
//
// Group commit: logs with bytes that are not synced stand in a queue. A few
// committers take one log each, sync its files, tell its Options.Durable, and take
// the next. There is no timer: a lone append is synced at once, and under load the
// time that a log's sync takes, and its wait for a committer, is what gathers the
// next one's appends.
//
// The fence: after a write or sync has failed nobody can know what the disk
// holds (Linux may drop the dirty pages and report success the next time; see
// Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
// So the first failure is final for the directory: every later operation of
// every log on it is ErrFenced, nothing is tried again, and recovery at the
// next start reads what is really there.
type Disk struct {
	fs     vfs.FS
	dir    string
	logger *slog.Logger
	failed func(error)

	fence   atomic.Pointer[error]
	fenced  chan struct{} // closed with the fence
	volume  vfs.Volume    // nil: it cannot be synced as a whole; from Run on
	alone   atomic.Int64  // until when logs are synced by themselves; Unix nanoseconds
	handles handleCache
	remover remover
	points  checkpoints
	zeros   []byte // what logs write ahead of their end; only read

	commits commits
	cold    coldReads
	lent    atomic.Int64 // how many Lent are not released

	commit queue // logs to sync
	report queue // logs whose Durable is to be called where no commit does
	settle queue // logs whose recovery point is to be moved

	checkpointInterval time.Duration
	followedBytes      int64
	// uncheckedBytesMax is uncheckedBytesMax but in tests.
	uncheckedBytesMax int64
}

// NewDisk makes a Disk; it starts nothing.
func NewDisk(o DiskOptions) *Disk {
	d := &Disk{
		fs: o.FS, dir: o.Dir, logger: o.Logger, failed: o.Failed,
		fenced: make(chan struct{}), commits: newCommits(),
		commit: newQueue(), report: newQueue(), settle: newQueue(),
		checkpointInterval: o.CheckpointInterval, followedBytes: o.FollowedBytes, uncheckedBytesMax: uncheckedBytesMax,
		zeros: make([]byte, aheadBytesMax+aheadBlock),
	}
	if o.CountWith != nil {
		d.commits = o.CountWith.commits
	}
	d.handles.fs = o.FS
	d.remover.wake = make(chan struct{}, 1)
	d.points.open = make(map[model.TopicPartition]*Log)
	d.points.deleted = make(map[model.TopicPartition]uint64)
	return d
}

// Run syncs what the logs append, calls their Durable, moves their recovery
// points and removes what was deleted, until ctx ends; what is queued by then is
// still synced.
func (d *Disk) Run(ctx context.Context) error {
	d.openVolume()
	var g errgroup.Group
	for range syncsAtOnce {
		g.Go(func() error { d.commit.serve(ctx, d.commitSome); return nil })
	}
	g.Go(func() error { d.report.serve(ctx, (*Log).reportDurable); return nil })
	g.Go(func() error { d.serveSettle(ctx); return nil })
	g.Go(func() error { d.remover.serve(ctx, d); return nil })
	err := g.Wait()
	d.handles.closeAll()
	if d.volume != nil {
		err = errors.Join(err, d.volume.Close())
	}
	return err
}

// Err is ErrFenced, wrapped around its cause, after a write or sync has failed.
func (d *Disk) Err() error {
	if err := d.fence.Load(); err != nil {
		return *err
	}
	return nil
}

// fail fences the directory and returns the error to answer with. Only the
// first failure is logged: the others follow from it.
func (d *Disk) fail(operation string, cause error) error {
	err := fmt.Errorf("%w: %s: %w", ErrFenced, operation, cause)
	if !d.fence.CompareAndSwap(nil, &err) {
		return d.Err()
	}
	close(d.fenced)
	d.logger.Error("data directory fenced: check the disk, then start the broker again",
		"dir", d.dir, "operation", operation, "err", cause)
	if d.failed != nil {
		d.failed(err)
	}
	return err
}

// queue is a set of logs that wait for the attention of one goroutine or some.
type queue struct {
	wake chan struct{} // capacity 1: there are logs, and a goroutine may take one
	mu   *queueState
}

type queueState struct {
	sync.Mutex
	waiting []*Log // those before next have been taken
	next    int
}

func newQueue() queue {
	return queue{wake: make(chan struct{}, 1), mu: &queueState{}}
}

// add queues a log. The caller sees to it that none is queued twice.
func (q queue) add(l *Log) {
	q.mu.Lock()
	q.mu.waiting = append(q.mu.waiting, l)
	q.mu.Unlock()
	q.signal()
}

func (q queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// serve calls do for every queued log until ctx ends, and then once more. Where
// several goroutines serve a queue, each takes one log at a time.
func (q queue) serve(ctx context.Context, do func(*Log)) {
	for ctx.Err() == nil {
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
		q.drain(do)
	}
}

// drain calls do for logs until none is queued.
func (q queue) drain(do func(*Log)) {
	for l := q.take(); l != nil; l = q.take() {
		do(l)
	}
}

// take takes the log that has waited for longest; nil where none waits. Another
// goroutine is woken for the rest.
func (q queue) take() *Log {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.next == len(q.mu.waiting) {
		return nil
	}
	l := q.mu.waiting[q.mu.next]
	q.mu.waiting[q.mu.next] = nil
	q.mu.next++
	rest := len(q.mu.waiting) - q.mu.next
	if rest <= q.mu.next { // half of the slice is free: the move is paid for by what was taken
		copy(q.mu.waiting, q.mu.waiting[q.mu.next:])
		clear(q.mu.waiting[rest:])
		q.mu.waiting, q.mu.next = q.mu.waiting[:rest], 0
	}
	if rest > 0 {
		q.signal()
	}
	return l
}

// len is how many logs wait.
func (q queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.mu.waiting) - q.mu.next
}
