package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

const (
	// metadataTopic and partition 0 of it is Kafka's name for the metadata log.
	metadataTopic = "__cluster_metadata"
	// tickInterval is Raft's clock. An election takes one to two of its
	// electionTicks.
	tickInterval = 50 * time.Millisecond
	// queueMax bounds the commands that wait to be decided. Each is a request
	// of some client, whose connection waits with it.
	queueMax = 4096
	// snapshotEveryBytes of entries, a snapshot is written: the longest replay
	// at a start is about that much.
	snapshotEveryBytes = 16 << 20
)

// Options is what a Quorum needs.
type Options struct {
	Node model.NodeID
	// ClusterID is what a new cluster is called; one that exists keeps its own.
	ClusterID string
	FS        vfs.FS
	Dir       string // the data directory
	Disk      *storage.Disk
	Logger    *slog.Logger
	// CleanShutdown: the last process closed the log in order.
	CleanShutdown bool
	// Transport carries messages to other voters; nil where there are none.
	Transport Transport
	// Env is what commands are decided with besides the image.
	Env func() controller.Env
	// Publish is told of every change, in order, on a goroutine of its own.
	// The image is then Image's answer, and Submit returns after it.
	Publish func(meta.Delta, *meta.Image)
}

// Transport sends messages to other nodes. It must not block; a message may be
// lost.
type Transport interface {
	Send(messages []*raftpb.Message)
}

// ErrStopped: the quorum has ended, or is about to.
var ErrStopped = errors.New("the quorum has stopped")

// NotLeaderError: another node decides. The change has not happened, or, where
// Uncertain is set, may still.
type NotLeaderError struct {
	Leader    model.NodeID // NoNode where it is not known
	Uncertain bool
}

func (e *NotLeaderError) Error() string {
	if e.Uncertain {
		return "lost the leadership of the metadata before the change was committed; it may still happen"
	}
	return fmt.Sprintf("node %d leads the metadata", e.Leader)
}

// Quorum agrees on the metadata with the other voters. New, Run once, Close.
type Quorum struct {
	options Options
	logger  *slog.Logger
	core    *core

	commands chan *submission
	messages chan *raftpb.Message
	written  chan snapshotResult // capacity 1
	publish  *publisher
	stopped  chan struct{}

	status atomic.Pointer[Status]

	// Of the raft goroutine.

	// image is the newest committed, working the newest decided on: the former
	// with the records of every entry in flight.
	image, working *meta.Image
	// leading is set from the commit of the first entry of our own term until
	// the leadership is lost: before that, entries of former leaders may still
	// come.
	leading bool
	state   raft.StateType
	leader  uint64
	// inFlight are the entries proposed and not yet applied, oldest first.
	inFlight []proposal
	// waiting are commands that came while no leader was known.
	waiting  []*submission
	snapping bool
}

// New opens the quorum's files. It starts nothing.
func New(o Options) (*Quorum, error) {
	dir := filepath.Join(o.Dir, metadataTopic+"-0")
	if err := o.FS.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("make %s: %w", dir, err)
	}
	if err := o.FS.SyncDir(o.Dir); err != nil {
		return nil, fmt.Errorf("sync %s: %w", o.Dir, err)
	}
	log, recovered, err := storage.Open(storage.Options{
		FS: o.FS, Disk: o.Disk, Dir: dir, TopicPartition: model.TopicPartition{Topic: metadataTopic},
		Config: storage.Config{SegmentBytes: snapshotEveryBytes, RetentionBytes: -1, RetentionAge: -1},
		Logger: o.Logger, CleanShutdown: o.CleanShutdown, Durable: func(model.Offset) {},
	})
	if err != nil {
		return nil, fmt.Errorf("open the metadata log: %w", err)
	}
	if recovered.BytesCut > 0 {
		o.Logger.Warn("Recovered the metadata log and cut off its torn end", "bytes_cut", recovered.BytesCut, "end", log.EndOffset())
	}
	c := &core{fs: o.FS, dir: dir, log: entryLog{log}, logger: o.Logger}
	q := &Quorum{
		options: o, logger: o.Logger, core: c,
		commands: make(chan *submission, queueMax), messages: make(chan *raftpb.Message, queueMax),
		written: make(chan snapshotResult, 1), stopped: make(chan struct{}),
	}
	if err := q.open(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return q, nil
}

func (q *Quorum) open() error {
	if err := openCore(q.core, q.options.Node); err != nil {
		return err
	}
	q.image = new(meta.Image)
	snapshot, err := readSnapshot(q.core.fs, q.core.dir)
	if err != nil {
		return err
	}
	if snapshot != nil {
		if q.image, err = meta.DecodeSnapshot(snapshot.Data); err != nil {
			return err
		}
	}
	q.publish = newPublisher(q.options.Publish, q.image)
	q.updateStatus()
	return nil
}

// Image is the newest metadata that has been published.
func (q *Quorum) Image() *meta.Image { return q.publish.image.Load() }

// Close closes the log, after Run has ended.
func (q *Quorum) Close() error {
	if err := q.core.log.log.Close(); err != nil {
		return fmt.Errorf("close the metadata log: %w", err)
	}
	return nil
}

// Run takes part until ctx ends. It returns an error where something could not
// be made durable, after which nothing may be said to anybody.
func (q *Quorum) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return q.publish.run(ctx) })
	group.Go(func() error { return q.run(ctx) })
	err := group.Wait()
	close(q.stopped)
	q.refuseAll(ErrStopped)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// run is the raft goroutine.
func (q *Quorum) run(ctx context.Context) error {
	if q.core.onlyVoter() {
		// Nobody else could win; waiting for an election timeout is for nothing.
		if err := q.core.raft.Campaign(); err != nil {
			return fmt.Errorf("campaign: %w", err)
		}
	}
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		for q.core.raft.HasReady() {
			if err := q.step(ctx); err != nil {
				return err
			}
		}
		q.maybeSnapshot()
		ticks := ticker.C
		if q.core.onlyVoter() && q.leading {
			ticks = nil // nobody to send heartbeats to: an idle node sleeps
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks:
			q.core.raft.Tick()
		case m := <-q.messages:
			q.receive(m)
		case s := <-q.commands:
			if err := q.take(s); err != nil {
				return err
			}
		case r := <-q.written:
			if err := q.snapshotDone(r); err != nil {
				return err
			}
		}
	}
}

// Step takes a message from another node.
func (q *Quorum) Step(ctx context.Context, m *raftpb.Message) error {
	select {
	case q.messages <- m:
		return nil
	case <-q.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *Quorum) receive(m *raftpb.Message) {
	// Messages of nodes that are no members, or that contradict the state, are
	// dropped, as those that the network loses.
	if err := q.core.raft.Step(m); err != nil {
		q.logger.Debug("dropped a raft message", "from", nodeID(m.GetFrom()), "error", err)
	}
}
