package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/coordinator/group"
	"github.com/chronik/chronik/internal/membership"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// Broker is one node. New, then Run once.
type Broker struct {
	config *config.Config
	logger *slog.Logger
	fs     vfs.FS

	// Built by Run, in this order.
	dirs       *directories
	dir        *directory // the data directory
	bound      []server.Listen
	endpoints  []meta.Endpoint
	disks      []*storage.Disk // see newDisks
	disk       *storage.Disk   // of the data directory
	nodes      *nodes          // nil: this node is alone
	quorum     *quorum.Quorum
	router     *membership.Router
	member     *membership.Member
	partitions *partition.Set
	groups     *group.Coordinator
	handler    *api.Handler
	server     *server.Server
	admitted   net.Listener // of the admin listener; nil: none
	watching   watching
	suspects   suspects
	presence   *membership.Presence

	incarnation model.Incarnation
	registered  atomic.Bool // set by the applier's goroutine: see apply

	failed chan error // capacity 1: why the node has to stop
	ready  chan struct{}
	// stopping ends when the stop begins, which beginStop does.
	stopping  context.Context
	beginStop context.CancelFunc
}

// Options is what a Broker needs.
type Options struct {
	Config *config.Config
	Logger *slog.Logger
	// FS is the operating system's file system where nil.
	FS vfs.FS
}

// New returns a broker. It starts nothing and touches no file.
func New(o Options) (*Broker, error) {
	if o.Config == nil || o.Logger == nil {
		return nil, errors.New("broker: a Config and a Logger are needed")
	}
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	b := &Broker{
		config: o.Config, logger: o.Logger, fs: o.FS, incarnation: model.NewUUID(),
		failed: make(chan error, 1), ready: make(chan struct{}),
	}
	b.stopping, b.beginStop = context.WithCancel(context.Background())
	return b, nil
}

// Ready is closed once clients are served.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Endpoints are the addresses that clients are told; known once Ready is closed.
func (b *Broker) Endpoints() []meta.Endpoint { return b.endpoints }

// Run serves until ctx ends, then stops in order and returns nil. It returns an
// error where the start fails, a component ends by itself, or the disk does.
func (b *Broker) Run(ctx context.Context) (err error) {
	began := time.Now()
	secured, err := secureAll(b.config.Listeners, b.logger)
	if err != nil {
		return err
	}
	if b.dirs, err = openDirectories(b.fs, b.config.DataDir, b.config.LogDirs, b.config.NodeID, b.config.Cluster != nil, b.logger); err != nil {
		return err
	}
	b.dir = b.dirs.data
	defer func() { err = errors.Join(err, b.dirs.close()) }()
	if b.bound, err = bindAll(ctx, b.config.Listeners, secured, listenConfig(b.config.Sockets)); err != nil {
		return err
	}
	if err := b.newWatching(ctx); err != nil {
		return err
	}
	running := newStages(b.logger)
	if err := b.startOrFail(ctx, running); err != nil {
		return errors.Join(err, b.stop(running, false))
	}
	if ctx.Err() != nil { // stopped while it waited for other nodes
		return b.stop(running, true)
	}
	close(b.ready)
	b.logger.Info("chronik is ready", "node", b.config.NodeID, "listeners", advertised(b.endpoints),
		"data", b.config.DataDir, "admin", b.watching.address, "took", time.Since(began).Round(time.Millisecond))

	var failed error
	select {
	case <-ctx.Done():
	case <-running.ended:
		failed = running.failure()
	case failed = <-b.failed:
		b.partitions.Fail(storage.ErrFenced)
	}
	return errors.Join(failed, b.stop(running, failed == nil))
}

// startOrFail is start, which ends early where the node has to stop: it may be
// waiting for others.
func (b *Broker) startOrFail(ctx context.Context, running *stages) error {
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-b.failed:
			b.fail(err) // for Run, where the start has just ended
			cancel(err)
		case <-running.ended:
			cancel(running.failure())
		case <-starting.Done():
		}
	}()
	err := b.start(starting, running)
	switch cause := context.Cause(starting); {
	case ctx.Err() != nil:
		return nil
	case cause != nil:
		return cause
	}
	return err
}

// fail has the node stop; the first reason counts.
func (b *Broker) fail(err error) {
	select {
	case b.failed <- err:
	default:
	}
}

func advertised(endpoints []meta.Endpoint) []string {
	all := make([]string, len(endpoints))
	for i, e := range endpoints {
		all[i] = e.String()
	}
	return all
}

// start brings the components up; what it started is stopped by the caller also
// where it fails.
func (b *Broker) start(ctx context.Context, running *stages) error {
	if err := b.build(ctx); err != nil {
		return err
	}
	if b.watching.admin != nil {
		running.start("admin", b.watching.admin.Run)
	}
	running.start("disk", b.runDisks)
	running.start("partitions", b.partitions.Run)
	// The coordinators run before the metadata is applied: it tells them which
	// partitions to load.
	running.start("groups", b.groups.Run)
	running.start("quorum", b.quorum.Run)
	if b.nodes != nil {
		select {
		case <-b.quorum.Recovered(): // by which others are judged
		case <-ctx.Done():
			return ctx.Err()
		}
		running.start("network", b.nodes.network.Run)
		running.start("raft", func(ctx context.Context) error { return b.nodes.raft.Run(ctx, b.quorum) })
		running.start("replication", b.nodes.streams.Run)
		b.announce()
	}
	if err := b.register(ctx); err != nil {
		return fmt.Errorf("register with the cluster: %w", err)
	}
	if err := b.dir.noteBoot(); err != nil {
		return err
	}
	if b.nodes != nil {
		running.start("member", b.member.Run)
		select {
		case <-b.member.Unfenced():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	running.start("server", b.server.Run)
	if b.nodes != nil && b.config.Cluster.Balancer.Enable {
		running.start("balancer", (&balancing{b: b}).run)
	}
	return nil
}

// followedShare of the memory is what logs that follow may keep in the page cache.
const followedShare = 64

// build makes the components, each of those that it works with, and starts none.
func (b *Broker) build(ctx context.Context) error {
	var err error
	if b.endpoints, err = endpoints(b.config.Listeners, b.bound); err != nil {
		return err
	}
	b.newDisks()
	if b.config.Cluster != nil {
		if b.nodes, err = b.newNodes(ctx); err != nil {
			return err
		}
	}
	if b.quorum, err = quorum.New(b.quorumOptions()); err != nil {
		return err
	}
	if b.nodes != nil {
		b.nodes.joins = len(b.quorum.Members().Voters) == 0
	}
	b.router = membership.NewRouter(b.quorum, b.network(), b.decided, b.logger)
	b.member = membership.New(b.memberOptions())
	if b.nodes != nil {
		dropped, err := b.dirs.dropCondemned()
		if err != nil {
			return err
		}
		if len(dropped) > 0 {
			b.logger.Warn("Set damaged copies aside; they are copied anew from their leaders", "partitions", dropped)
		}
	}
	b.partitions = partition.NewSet(b.partitionOptions())
	if err := b.loadPartitions(); err != nil {
		return err
	}
	b.groups = group.New(b.groupOptions())
	b.handler = api.New(b.apiServices())
	if b.server, err = server.New(b.serverOptions()); err != nil {
		return err
	}
	if err := b.buildAdmin(); err != nil {
		return err
	}
	if err := b.checkVoters(); err != nil {
		return err
	}
	return b.server.Bind(ctx) // takes the bound listeners over
}

// loadPartitions reads what is durable of all of them. A directory in which that is
// damaged has lost data: it gets another id, by which the cluster knows it for one
// whose copies do not count before a leader has seen to them.
func (b *Broker) loadPartitions() error {
	err := b.partitions.Load()
	if !errors.Is(err, partition.ErrNormalEpochs) {
		return err
	}
	b.logger.Warn("The data directory is damaged; its copies count again when their leaders have completed them", "error", err)
	return b.dir.renew()
}

// giveUp stops the node, which has found a copy damaged that other nodes have too:
// they lead from now on, and the next start copies it anew.
func (b *Broker) giveUp(name model.TopicPartition, why error) {
	if err := b.dir.condemn(name.String()); err != nil {
		b.fail(errors.Join(err, why))
		return
	}
	b.fail(fmt.Errorf("the copy of %s here is damaged: %w; start the node again, which sets it aside and copies it from another node", name, why))
}

// register has the cluster know of this run, and let the node in where it is not of the
// cluster.
func (b *Broker) register(ctx context.Context) error {
	if b.nodes != nil {
		seeking, found := context.WithCancel(ctx)
		defer found()
		go b.seek(seeking)
	}
	return b.member.Register(ctx, b.registration())
}

// registration is this run's. A node that is alone serves at once.
func (b *Broker) registration() controller.RegisterBroker {
	r := controller.RegisterBroker{
		Node: b.config.NodeID, ClusterID: b.dir.clusterID(), Incarnation: b.incarnation, Directory: b.dir.id(),
		Endpoints: b.endpoints, Rack: b.config.Rack, Fenced: b.nodes != nil, Unclean: b.dir.rebooted,
		Relaxed:  settings.Layers{Static: b.config.Static}.FlushRelaxed(false),
		Supports: meta.Supported,
	}
	if b.nodes != nil {
		r.ClusterAddress = b.nodes.address
	}
	return r
}

// stop ends what was started, in reverse. Only a stop in which everything was
// flushed is marked clean, and only where the logs were found closed in order, or have
// been recovered: of a node that still waited for others they are as a crash left them.
func (b *Broker) stop(running *stages, clean bool) error {
	if clean && started(b.ready) {
		b.handOver()
	}
	marked := clean && (started(b.ready) || b.dirs.clean())
	// Clients that wait for news would keep the server draining.
	b.beginStop()
	// Server, member, replication, network, quorum, groups, partitions: with the quorum
	// ends what would open logs and give roles.
	errs := []error{running.stopTo("disk")}
	if b.partitions != nil {
		errs = append(errs, b.partitions.Close())
	}
	if b.nodes != nil && b.nodes.office != nil {
		b.nodes.office.Lead(0) // no alarm outlives the node
	}
	if b.quorum != nil {
		errs = append(errs, b.quorum.Close())
	}
	for _, disk := range b.disks {
		if err := disk.Checkpoint(); err != nil && clean {
			errs = append(errs, err)
		}
	}
	errs = append(errs, running.stop())
	if b.nodes != nil {
		_ = b.nodes.listener.Close() // closed by the network, if that has run
	}
	if b.admitted != nil {
		_ = b.admitted.Close() // closed by the admin server, if that has run
	}
	if b.server == nil {
		for _, l := range b.bound {
			errs = append(errs, l.Listener.Close())
		}
	} else if !started(b.ready) {
		errs = append(errs, b.server.Close())
	}
	err := errors.Join(errs...)
	if err == nil && clean {
		err = b.dirs.markClean(started(b.ready))
	}
	switch {
	case err != nil || !clean:
	case marked:
		b.logger.Info("stopped cleanly")
	default:
		b.logger.Info("stopped before the logs were recovered; the next start does that")
	}
	return err
}

func started(ready <-chan struct{}) bool {
	select {
	case <-ready:
		return true
	default:
		return false
	}
}

// apply hands new metadata on, in this order: the logs are open and the roles
// taken before coordinators load from them.
//
// Until this run's registration is in the image, it is history that the quorum
// replays: a role in it was an earlier run's, and its leader epochs may be older
// than those in the logs (replication.md: a broker takes no role before it has
// applied its registration). All of it comes at once with the registration.
func (b *Broker) apply(delta meta.Delta, image *meta.Image) {
	if b.nodes != nil {
		if err := b.dirs.joined(image.ClusterID); err != nil {
			b.fail(err)
			return
		}
	}
	if !b.registered.Load() {
		self := image.Brokers.ByID(b.config.NodeID)
		if self == nil || self.Incarnation != b.incarnation {
			return
		}
		b.registered.Store(true)
		delta = meta.Diff(nil, image)
	}
	b.partitions.Apply(delta, image)
	if b.nodes != nil {
		b.nodes.streams.Apply(delta, image)
	}
	b.member.Applied(image)
	deleted := make([]string, 0, len(delta.Deleted))
	for _, topic := range delta.Deleted {
		deleted = append(deleted, topic.Name)
	}
	if len(deleted) > 0 {
		b.groups.TopicsDeleted(deleted)
	}
}

// roleChanged tells the coordinators which of their partitions this node leads.
func (b *Broker) roleChanged(change partition.RoleChange) {
	if change.Name.Topic != group.OffsetsTopic {
		return
	}
	if change.Leading {
		b.groups.Elected(change.Name.Partition, change.Epoch)
	} else {
		b.groups.Resigned(change.Name.Partition)
	}
}

// apiServices is what the request handlers work with.
func (b *Broker) apiServices() api.Services {
	c := b.config
	s := api.Services{
		Node: c.NodeID, Logger: b.logger, Stopping: b.stopping, Image: b.quorum.Image, AwaitImage: b.quorum.Await, CatchUp: b.router.CatchUp,
		Controller: b.router, Members: b.router, Quorum: b.router.Status, ControllerID: b.quorum.Leader,
		Partitions: b.partitions, Groups: b.groups,
		CreateOffsetsTopic: b.createOffsetsTopic,
		LogDirs:            b.logDirs(),
		Static:             c.Static,
		AutoCreateTopics:   c.Topics.AutoCreate, DeleteTopicsAllowed: c.Topics.AllowDelete,
		DefaultPartitions: c.Topics.DefaultPartitions, DefaultReplicationFactor: c.Topics.DefaultReplicationFactor,
		DescribePartitionsMax: c.Topics.DescribePartitionsMax,
		FetchBytesMax:         c.Fetch.BytesMax, FetchSessionsMax: c.Fetch.SessionsMax, RackAware: c.Fetch.RackAware,
		ResponseBytesMax: c.Limits.RequestMemoryBytesMax,
	}
	if b.nodes != nil {
		s.Suspected, s.CheckPresence, s.OutOfTouch = b.suspects.has, b.presence.Check, b.outOfTouch
	}
	return s
}
