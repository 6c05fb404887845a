package membership

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/wire"
)

const (
	// leavingInterval is how often a broker that leaves asks whether it may go: its
	// partitions have no leader for a part of that time.
	leavingInterval = 10 * time.Millisecond
	// waitingReport is how often a start that waits for others says so.
	waitingReport = 2 * time.Second
)

// Options are what a Member works with.
type Options struct {
	Node model.NodeID
	// Heartbeat and Session are as in config.Cluster.
	Heartbeat, Session time.Duration
	Quorum             *quorum.Quorum
	// Others are the nodes that may know this one.
	Others     func() iter.Seq[model.NodeID]
	Router     *Router
	Network    Network
	Office     *Office
	Partitions Partitions
	// Lapsed is told when the lease has run out for a while.
	Lapsed func()
	Logger *slog.Logger
}

// Member is this broker as one of its cluster. It implements partition.Controller.
type Member struct {
	o         Options
	answers   answers
	proposals proposals
	hurry     chan struct{}      // capacity 1: beat now
	rest      chan time.Duration // capacity 1: the next heartbeat may wait so long
	unfenced  chan struct{}      // closed when the controller has let the broker serve
	mayStop   chan struct{}      // closed when it may leave
	asking    atomic.Bool        // another node is asked for this one's standing

	mu struct {
		sync.Mutex
		lease    replica.Lease
		renewed  chan struct{}     // closed when the lease is renewed
		epoch    model.BrokerEpoch // 0: not registered yet
		serves   bool              // the image says that the broker is not fenced
		leaving  bool
		answered time.Time // when the newest heartbeat that was answered was sent; before: when it was registered
		unfenced bool
		mayStop  bool
	}
}

// New returns a Member that has not registered.
func New(o Options) *Member {
	m := &Member{
		o: o, answers: newAnswers(), proposals: newProposals(), hurry: make(chan struct{}, 1), rest: make(chan time.Duration, 1),
		unfenced: make(chan struct{}), mayStop: make(chan struct{}),
	}
	// Fenced for silence is who has been silent for a session, as the controller
	// counts it from later on; the lease has run out before.
	m.mu.lease = replica.NewLease(o.Session - o.Heartbeat)
	m.mu.renewed = make(chan struct{})
	return m
}

// ErrReplaced: another process has registered as this node.
var ErrReplaced = errors.New("another process has registered as this node; give each node a --node-id (node.id) of its own")

// ErrRemoved: the node was unregistered while it ran.
var ErrRemoved = errors.New("this node was taken out of the cluster (kafka-cluster unregister): leave it stopped, or start it again to have it join anew")

// Register tells the controller of this run, and returns once the registration is
// applied here, and with it every partition open. Previous is filled in: the
// registration that it replaces. The image may not have that before the refusal of a first try has been
// answered, which is after what it rests on is applied here.
func (m *Member) Register(ctx context.Context, command controller.RegisterBroker) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go m.reportWaiting(ctx)
	for {
		command.Previous = m.registered().Epoch
		_, err := m.o.Router.Submit(ctx, command)
		refused, ok := errors.AsType[*wire.Error](err)
		switch {
		case err == nil:
			return m.begin(command.Incarnation)
		case ok && refused.Code == wire.CodeOf(kerr.DuplicateBrokerRegistration) && m.registered().Epoch != command.Previous:
		case ok, ctx.Err() != nil, errors.Is(err, quorum.ErrStopped):
			return err
		default:
			m.o.Logger.Debug("registration did not get through; it is sent again", "error", err)
			select {
			case <-time.After(routeAgainAfter):
			case <-ctx.Done():
			}
		}
	}
}

// reportWaiting says what a start waits for.
func (m *Member) reportWaiting(ctx context.Context) {
	ticker := time.NewTicker(waitingReport)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		leader, voters := m.o.Quorum.Leader(), m.o.Quorum.Members().Voters
		switch {
		case len(voters) == 0:
			m.o.Logger.Info("Waiting to be let into the cluster; where there is none yet, start its first nodes with --bootstrap")
		case leader == model.NoNode:
			m.o.Logger.Info("Waiting for other nodes: a majority of the voters is needed", "voters", voters)
		default:
			m.o.Logger.Info("Waiting for the registration to be taken", "controller", leader)
		}
	}
}

// registered is this node's newest registration in the image; the zero one where
// there is none.
func (m *Member) registered() meta.Broker {
	if b := m.o.Quorum.Image().Brokers.ByID(m.o.Node); b != nil {
		return *b
	}
	return meta.Broker{}
}

func (m *Member) begin(own model.Incarnation) error {
	b := m.registered()
	if b.Incarnation != own {
		return ErrReplaced
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.epoch, m.mu.answered = b.Epoch, time.Now()
	return nil
}

// Run keeps the lease, and sends what the partitions have for the controller, until
// ctx ends. ErrReplaced and ErrRemoved are final.
func (m *Member) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.beat(ctx) })
	g.Go(func() error { m.watchLease(ctx); return nil })
	g.Go(func() error { m.answers.run(ctx, m.sendAnswers); return nil })
	g.Go(func() error { m.proposals.run(ctx, m.submitProposals); return nil })
	return g.Wait()
}

// Applied tells of an image that this node has applied. Where it lets the broker serve,
// the next heartbeat need not wait its time.
func (m *Member) Applied(image *meta.Image) {
	b := image.Brokers.ByID(m.o.Node)
	m.mu.Lock()
	serves := b != nil && !b.Fenced && b.Epoch == m.mu.epoch
	news := serves && !m.mu.serves
	m.mu.serves = serves
	m.mu.Unlock()
	if news {
		m.beatNow()
	}
}

// Unfenced is closed when the controller has let this broker serve.
func (m *Member) Unfenced() <-chan struct{} { return m.unfenced }

// Leave gives up what others can lead and then has the broker fenced, so that nobody
// is sent to it any more. It returns when that is done, or ctx ends.
func (m *Member) Leave(ctx context.Context) error {
	m.mu.Lock()
	epoch := m.mu.epoch
	m.mu.leaving = true
	m.mu.Unlock()
	if epoch == 0 {
		return nil
	}
	ticker := time.NewTicker(leavingInterval)
	defer ticker.Stop()
	for {
		m.beatNow()
		select {
		case <-m.mayStop:
			if _, err := m.o.Router.Submit(ctx, controller.FenceBroker{Node: m.o.Node, Epoch: epoch}); err != nil {
				return fmt.Errorf("leave the cluster's brokers: %w", err)
			}
			return nil
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("hand leadership over: %w", ctx.Err())
		}
	}
}
