package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

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
	// ErrOutcomeUnknown: this node no longer leads, and either got a snapshot in
	// place of a command's entry (look at the image whether it was carried out),
	// or a change of members was not complete.
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
	Send(messages []*Message)
}

// Options say what a Quorum works with.
type Options struct {
	Node model.NodeID
	// Voters are those of a new cluster; none: this node alone. They count only
	// where the directory is empty, and then have to be the same on all of them.
	Voters []model.NodeID
	// Join: where the directory is empty, wait to be added to a cluster (Change)
	// rather than begin one; Voters do not count then.
	Join bool
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
	// Follow, where not nil, is told the same as Publish, on a goroutine of its own, so
	// that neither waits for the other. It must not block; Confirm and Decide wait for it.
	Follow func(meta.Delta, *meta.Image)
	// Lead, where not nil, is told the term in which this node leads and may decide,
	// after Follow was told of an image with all that was committed before; and 0 when it
	// does not any more. It is called where Follow is, and must not block.
	Lead func(term uint64)
	// LeaderChanged, where not nil, is told that Leader is another. It is called by the
	// loop, and must not block.
	LeaderChanged func()
	// Env is what a decision may look at; Index and Voters are filled in.
	Env func() controller.Env
}

// requestsQueuedMax bounds the commands that wait for the entry before them;
// more of them wait in Submit.
const requestsQueuedMax = 256

// Quorum is this node's part in agreeing on the metadata. Methods other than Run
// and Close may be called concurrently, and before Run.
type Quorum struct {
	o         Options
	logger    *slog.Logger
	store     *store
	machine   *Machine // the loop's, once Run has been called
	requests  chan *request
	steps     chan func(*Machine)
	publisher *publisher // of Publish
	follower  *publisher // of Follow and Lead
	contacts  contacts
	status    atomic.Pointer[Status]
	applied   atomic.Pointer[meta.Image]
	recovered chan struct{} // closed when applied has what was found at the start
	members   atomic.Pointer[Members]
	stopped   chan struct{}
	failure   error // why; read after stopped is closed

	// The loop's:
	waiting  []*request         // taken from requests
	saving   bool               // a snapshot is being written
	leading  uint64             // the term that Lead was told of, or 0
	saved    chan savedSnapshot // capacity 1
	clock    clock
	soon     soon
	snapshot SnapshotLimits
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
	if o.Follow == nil {
		o.Follow = func(meta.Delta, *meta.Image) {}
	}
	if o.LeaderChanged == nil {
		o.LeaderChanged = func() {}
	}
	if o.Lead == nil {
		o.Lead = func(uint64) {}
	}
	if o.Env == nil {
		o.Env = func() controller.Env { return controller.Env{Partitions: 1, ReplicationFactor: 1} }
	}
	voters := o.Voters
	switch {
	case o.Join:
		voters = nil
	case len(voters) == 0:
		voters = []model.NodeID{o.Node}
	}
	st, image, err := openStore(storeOptions{
		fs: o.FS, disk: o.Disk, dir: o.Dir, clean: o.CleanShutdown, voters: voters, logger: o.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("open the cluster's metadata: %w", err)
	}
	m, err := NewMachine(MachineOptions{Node: o.Node, Storage: st, Image: image, Logger: o.Logger})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the cluster's metadata: %w", err), st.log.log.Close())
	}
	q := &Quorum{
		o: o, logger: o.Logger, store: st, machine: m,
		requests: make(chan *request, requestsQueuedMax), steps: make(chan func(*Machine), stepsQueuedMax),
		publisher: newPublisher(o.Publish, func(uint64) {}), follower: newPublisher(o.Follow, o.Lead), contacts: newContacts(),
		recovered: make(chan struct{}), stopped: make(chan struct{}), saved: make(chan savedSnapshot, 1), snapshot: DefaultSnapshotLimits(),
	}
	q.applied.Store(m.Image())
	q.noteStatus()
	return q, nil
}

// Run takes part in the quorum until ctx ends, and then returns nil. An error is
// final: of the disk, or of metadata that cannot be read.
func (q *Quorum) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return q.publisher.run(ctx) })
	g.Go(func() error { return q.follower.run(ctx) })
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
	r := newRequest(ctx)
	r.command = command
	result, err := q.queue(r)
	if errors.Is(err, ErrStopped) || err != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("submit %s: %w", command.Name(), err)
	}
	return result, err
}

// Decide is Submit for another node, which waits until the image of an index is
// published there; on this node it need not be. A refusal has an index too: that of an
// image that it rests on.
func (q *Quorum) Decide(ctx context.Context, command controller.Command) (result any, index uint64, err error) {
	r := newRequest(ctx)
	r.command, r.followed = command, true
	result, err = q.queue(r)
	return result, q.applied.Load().Index, err
}

// Propose is Submit for the active controller's own commands: it does not wait, the
// command is decided in a term or not at all, and what becomes of it is in the
// image. It is dropped where too many wait.
func (q *Quorum) Propose(command controller.Command, term uint64) {
	r := newRequest(context.Background())
	r.command, r.term = command, term
	select {
	case q.requests <- r:
	default:
		q.logger.Debug("a command of the controller's own is dropped: too many wait", "type", command.Name())
	}
}

// ChangeMembers changes the members of the quorum, and returns when the change
// is complete. Where another node leads it is a *NotLeaderError; refused changes
// are ErrMembers and those beside it. When ctx ends first, or the error is
// ErrOutcomeUnknown, the change may still come into force.
func (q *Quorum) ChangeMembers(ctx context.Context, change Change) error {
	r := newRequest(ctx)
	r.change = &change
	if _, err := q.queue(r); err != nil {
		return fmt.Errorf("change the members of the metadata quorum: %w", err)
	}
	return nil
}

// LeaderGone tells that a node's process is gone (Machine.LeaderGone).
func (q *Quorum) LeaderGone(ctx context.Context, node model.NodeID) error {
	return q.enqueue(ctx, func(m *Machine) { m.LeaderGone(node) })
}

// Campaign has this node call an election, which it loses where others have a leader.
// It returns before that has happened.
func (q *Quorum) Campaign(ctx context.Context) error {
	return q.enqueue(ctx, func(m *Machine) {
		if err := m.Campaign(); err != nil {
			q.logger.Debug("no election was called", "error", err)
		}
	})
}

// Yield has this node, if it leads, hand its office to another voter. It returns
// before that has happened.
func (q *Quorum) Yield(ctx context.Context) error {
	return q.enqueue(ctx, (*Machine).Yield)
}

// Confirm returns nil when this node has led the quorum at some moment since the
// call (Machine.Confirm), and Follow was told of an image with all that was committed
// before it. Where it does not lead it is a *NotLeaderError.
func (q *Quorum) Confirm(ctx context.Context) error {
	r := newRequest(ctx)
	r.followed = true
	err := q.enqueue(ctx, func(m *Machine) {
		if err := m.Confirm(r); err != nil {
			r.done <- Reply{Err: err}
		}
	})
	if err != nil {
		return err
	}
	_, err = q.await(r)
	return err
}

// request is who waits for a command or a change; it is the Machine's token.
type request struct {
	ctx     context.Context
	command controller.Command
	term    uint64  // the only one in which command may be decided; 0: any
	change  *Change // in place of command
	// followed: the reply waits for Options.Follow, not for Publish.
	followed bool
	done     chan Reply // capacity 1
}

func newRequest(ctx context.Context) *request { return &request{ctx: ctx, done: make(chan Reply, 1)} }

func (q *Quorum) queue(r *request) (any, error) {
	select {
	case q.requests <- r:
		return q.await(r)
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	case <-q.stopped:
		return nil, q.stopError()
	}
}

func (q *Quorum) await(r *request) (any, error) {
	select {
	case reply := <-r.done:
		if reply.Err != nil {
			return nil, reply.Err
		}
		return reply.Result, nil
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	case <-q.stopped:
		return nil, q.stopError()
	}
}

func (q *Quorum) stopError() error {
	if q.failure != nil {
		return fmt.Errorf("%w: %w", ErrStopped, q.failure)
	}
	return ErrStopped
}

// Members are those of the quorum, as this node knows.
func (q *Quorum) Members() Members { return *q.members.Load() }

// Image is the newest image that has been published; the empty one before the
// first.
func (q *Quorum) Image() *meta.Image { return q.publisher.image.Load() }

// Applied is the newest image of what is known to be committed, published or not.
// From Recovered on it has what this node knew before its start, but for the log's last
// entry perhaps, when Image still waits for a leader to say what is missing. It is for
// who must not wait; roles follow Image.
func (q *Quorum) Applied() *meta.Image { return q.applied.Load() }

// Recovered is closed when Run has applied what this node knew before its start.
func (q *Quorum) Recovered() <-chan struct{} { return q.recovered }

// Await returns the newest image once until says so of it, or of a later one.
func (q *Quorum) Await(ctx context.Context, until func(*meta.Image) bool) (*meta.Image, error) {
	for {
		image, changed := q.publisher.next()
		if until(image) {
			return image, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return image, ctx.Err()
		case <-q.stopped:
			return image, q.stopError()
		}
	}
}

// Step takes a message from another node. It waits while many are queued.
func (q *Quorum) Step(ctx context.Context, message *Message) error {
	return q.enqueue(ctx, func(m *Machine) {
		q.contacts.heard(message.GetFrom())
		if err := m.Step(message); err != nil {
			q.logger.Debug("raft message dropped", "type", message.GetType().String(), "from", nodeOf(message.GetFrom()), "err", err)
		}
	})
}

// ReportSnapshot tells whether a snapshot has reached a node; until then it gets
// nothing else.
func (q *Quorum) ReportSnapshot(ctx context.Context, node model.NodeID, delivered bool) error {
	return q.enqueue(ctx, func(m *Machine) { m.ReportSnapshot(node, delivered) })
}

// ReportUnreachable tells that messages to a node were lost.
func (q *Quorum) ReportUnreachable(ctx context.Context, node model.NodeID) error {
	return q.enqueue(ctx, func(m *Machine) { m.ReportUnreachable(node) })
}

func (q *Quorum) enqueue(ctx context.Context, step func(*Machine)) error {
	select {
	case q.steps <- step:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-q.stopped:
		return ErrStopped
	}
}
