package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// Errors of Submit besides those of the context and of the commands. None of
// them says that a command was not carried out, but NotLeaderError.
var (
	// ErrStopped: Run has returned, or will.
	ErrStopped = errors.New("the metadata quorum has stopped")
	// ErrOutcomeUnknown: this node no longer leads and got a snapshot in place
	// of the entry; look at the image whether the command was carried out.
	ErrOutcomeUnknown = errors.New("another node leads the metadata quorum, and whether the command was carried out is not known")
)

// NotLeaderError says who decides on commands; the command was not carried out.
type NotLeaderError struct{ Leader model.NodeID } // NoNode where nobody is known

func (e *NotLeaderError) Error() string {
	if e.Leader == model.NoNode {
		return "this node does not lead the metadata quorum, and no leader is known"
	}
	return fmt.Sprintf("this node does not lead the metadata quorum, node %d does", e.Leader)
}

// Transport takes messages to other nodes. Send may drop what it cannot deliver
// and must not block; messages to one node stay in order. It may keep the
// messages, and must not change them. NodeOf tells whom Message.To means. What
// became of a snapshot (MsgSnap) has to be told to ReportSnapshot.
type Transport interface {
	Send(messages []*raftpb.Message)
}

// Options say what a Quorum works with.
type Options struct {
	Node model.NodeID
	// Voters are those of a new cluster; none: this node alone. They count only
	// where the directory is empty, and then have to be the same on all of them.
	Voters []model.NodeID
	// ClusterID is the id for a new cluster; "": a random one.
	ClusterID     string
	FS            vfs.FS
	Dir           string // the data directory
	Disk          *storage.Disk
	CleanShutdown bool // as in storage.Options
	Logger        *slog.Logger
	Transport     Transport // nil where there is one voter
	// Publish is told about every new image, in order, with what differs from
	// the one before; the first delta is from the empty image. Images may be
	// skipped, and then their changes are in the next delta. It may block; Submit
	// and Image wait for it.
	Publish func(meta.Delta, *meta.Image)
	// Env is what a decision may look at; Index is filled in.
	Env func() controller.Env
}

// commandsQueuedMax bounds the commands that wait for the entry before them;
// more of them wait in Submit.
const commandsQueuedMax = 256

// Quorum is this node's part in agreeing on the metadata. Methods other than Run
// and Close may be called concurrently, and before Run.
type Quorum struct {
	o         Options
	logger    *slog.Logger
	store     *store
	core      *core // the loop's, once Run has been called
	commands  chan *request
	steps     chan func(*core)
	publisher *publisher
	contacts  contacts
	status    atomic.Pointer[Status]
	stopped   chan struct{}
	failure   error // why; read after stopped is closed

	// The loop's:
	waiting  []*request         // taken from commands
	saving   bool               // a snapshot is being written
	saved    chan savedSnapshot // capacity 1
	clock    clock
	snapshot snapshotLimits
}

// New opens the metadata log and snapshots in the data directory, or makes the
// beginning of a new cluster. It starts nothing; Close has to be called in the
// end, after Run has returned.
func New(o Options) (*Quorum, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Publish == nil {
		o.Publish = func(meta.Delta, *meta.Image) {}
	}
	if o.Env == nil {
		o.Env = func() controller.Env { return controller.Env{Partitions: 1, ReplicationFactor: 1} }
	}
	if len(o.Voters) == 0 {
		o.Voters = []model.NodeID{o.Node}
	}
	voters := make([]uint64, len(o.Voters))
	for i, n := range o.Voters {
		voters[i] = raftID(n)
	}
	st, image, err := openStore(storeOptions{
		fs: o.FS, disk: o.Disk, dir: o.Dir, clean: o.CleanShutdown, voters: voters, logger: o.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("open the cluster's metadata: %w", err)
	}
	c, err := newCore(coreOptions{id: raftID(o.Node), storage: st, image: image, logger: o.Logger})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the cluster's metadata: %w", err), st.log.log.Close())
	}
	q := &Quorum{
		o: o, logger: o.Logger, store: st, core: c,
		commands: make(chan *request, commandsQueuedMax), steps: make(chan func(*core), stepsQueuedMax),
		publisher: newPublisher(o.Publish), contacts: newContacts(),
		stopped: make(chan struct{}), saved: make(chan savedSnapshot, 1), snapshot: defaultSnapshotLimits(),
	}
	q.noteStatus()
	return q, nil
}

// Run takes part in the quorum until ctx ends, and then returns nil. An error is
// final: of the disk, or of metadata that cannot be read.
func (q *Quorum) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return q.publisher.run(ctx) })
	g.Go(func() error {
		defer close(q.stopped)
		q.failure = q.loop(ctx, g)
		return q.failure
	})
	return g.Wait()
}

// Close closes the log. Nothing else may be going on.
func (q *Quorum) Close() error { return q.store.log.log.Close() }

// Submit has a command decided, and returns its result once the records are
// committed, applied and published on this node. Where another node leads it is
// a *NotLeaderError; while nobody is known to lead it waits. When ctx ends
// first, the command may still be carried out.
func (q *Quorum) Submit(ctx context.Context, command controller.Command) (any, error) {
	r := &request{ctx: ctx, command: command, done: make(chan answer, 1)}
	select {
	case q.commands <- r:
	case <-ctx.Done():
		return nil, fmt.Errorf("submit %s: %w", command.Name(), ctx.Err())
	case <-q.stopped:
		return nil, q.stopError(command)
	}
	select {
	case a := <-r.done:
		if a.err != nil {
			return nil, a.err
		}
		return a.result, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("submit %s: %w", command.Name(), ctx.Err())
	case <-q.stopped:
		return nil, q.stopError(command)
	}
}

func (q *Quorum) stopError(command controller.Command) error {
	if q.failure != nil {
		return fmt.Errorf("submit %s: %w: %w", command.Name(), ErrStopped, q.failure)
	}
	return fmt.Errorf("submit %s: %w", command.Name(), ErrStopped)
}

// Image is the newest image that has been published; the empty one before the
// first.
func (q *Quorum) Image() *meta.Image { return q.publisher.image.Load() }

// Step takes a message from another node. It waits while many are queued.
func (q *Quorum) Step(ctx context.Context, m *raftpb.Message) error {
	return q.enqueue(ctx, func(c *core) {
		q.contacts.heard(m.GetFrom())
		if err := c.node.Step(m); err != nil {
			q.logger.Debug("raft message dropped", "type", m.GetType().String(), "from", nodeOf(m.GetFrom()), "err", err)
		}
	})
}

// ReportSnapshot tells whether a snapshot has reached a node; until then it gets
// nothing else.
func (q *Quorum) ReportSnapshot(ctx context.Context, node model.NodeID, delivered bool) error {
	return q.enqueue(ctx, func(c *core) { c.reportSnapshot(raftID(node), delivered) })
}

// ReportUnreachable tells that messages to a node were lost.
func (q *Quorum) ReportUnreachable(ctx context.Context, node model.NodeID) error {
	return q.enqueue(ctx, func(c *core) { c.node.ReportUnreachable(raftID(node)) })
}

func (q *Quorum) enqueue(ctx context.Context, step func(*core)) error {
	select {
	case q.steps <- step:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-q.stopped:
		return ErrStopped
	}
}
