package storage

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

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
}

// Disk is what the logs of one data directory share: the group commit, the
// checkpoint files, the files opened for reading, and the fence.
//
// Group commit: logs with bytes that are not synced stand in a queue. The
// committer takes the whole queue, syncs each log's files, tells each log's
// Options.Durable, and takes what has queued meanwhile. There is no timer: a
// lone append is synced at once, and under load the time that one round takes
// is what gathers the next one's appends.
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
	handles handleCache
	remover remover
	points  checkpoints
	zeros   []byte // what logs write ahead of their end; only read

	commit queue // logs to sync
	report queue // logs whose Durable is to be called outside of the rounds
}

// NewDisk makes a Disk; it starts nothing.
func NewDisk(o DiskOptions) *Disk {
	d := &Disk{
		fs: o.FS, dir: o.Dir, logger: o.Logger, failed: o.Failed,
		fenced: make(chan struct{}),
		commit: newQueue(), report: newQueue(),
		zeros: make([]byte, aheadBytesMax+aheadBlock),
	}
	d.handles.fs = o.FS
	d.remover.wake = make(chan struct{}, 1)
	d.points.open = make(map[model.TopicPartition]*Log)
	d.points.deleted = make(map[model.TopicPartition]uint64)
	return d
}

// Run syncs what the logs append, calls their Durable, and removes what was
// deleted, until ctx ends; what is queued by then is still synced.
func (d *Disk) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { d.commit.serve(ctx, (*Log).commit); return nil })
	g.Go(func() error { d.report.serve(ctx, (*Log).reportDurable); return nil })
	g.Go(func() error { d.remover.serve(ctx, d); return nil })
	err := g.Wait()
	d.handles.closeAll()
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

// queue is a set of logs that wait for one goroutine's attention.
type queue struct {
	wake chan struct{}
	mu   *queueState
}

type queueState struct {
	sync.Mutex
	waiting []*Log
	spare   []*Log // the slice of the round before, to be used again
}

func newQueue() queue {
	return queue{wake: make(chan struct{}, 1), mu: &queueState{}}
}

// add queues a log. The caller sees to it that none is queued twice.
func (q queue) add(l *Log) {
	q.mu.Lock()
	q.mu.waiting = append(q.mu.waiting, l)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// serve calls do for every queued log until ctx ends, and then once more.
func (q queue) serve(ctx context.Context, do func(*Log)) {
	for {
		select {
		case <-q.wake:
			q.round(do)
		case <-ctx.Done():
			q.round(do)
			return
		}
	}
}

// round calls do for the logs that are queued now.
func (q queue) round(do func(*Log)) {
	q.mu.Lock()
	logs := q.mu.waiting
	q.mu.waiting, q.mu.spare = q.mu.spare[:0], nil
	q.mu.Unlock()
	for i, l := range logs {
		do(l)
		logs[i] = nil
	}
	q.mu.Lock()
	q.mu.spare = logs
	q.mu.Unlock()
}
