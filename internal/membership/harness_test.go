package membership

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

const (
	session   = 1500 * time.Millisecond
	heartbeat = 200 * time.Millisecond
)

// cluster is three nodes as package broker puts them together, but for clients and
// replication, in a bubble of synctest.
type cluster struct {
	t  *testing.T
	w  *network
	fs map[model.NodeID]*vfs.Mem
}

// node is one run of a node.
type node struct {
	c           *cluster
	id          model.NodeID
	incarnation model.Incarnation
	disk        *storage.Disk
	quorum      *quorum.Quorum
	router      *Router
	member      *Member
	office      *Office
	set         *partition.Set
	registered  bool         // the publisher's
	slow        atomic.Int64 // how long an image takes to be carried out, in nanoseconds
	lapsed      atomic.Int32 // how often the lease has lapsed

	stop  func() // ends what runs; what is durable stays
	begin func() // begins Member.Run
	left  chan error
	// ran is what Member.Run has returned.
	ran chan error
}

// inCluster runs a test with nodes 1 to 3, which serve.
func inCluster(t *testing.T, test func(*testing.T, *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, w: newNetwork(), fs: make(map[model.NodeID]*vfs.Mem)}
		for id := model.NodeID(1); id <= 3; id++ {
			c.fs[id] = vfs.NewMem()
			c.start(id)
		}
		defer func() {
			for _, n := range c.running() {
				n.stop()
			}
			<-time.After(time.Minute) // what is under way ends by itself
			c.w.close()
		}()
		for _, n := range c.running() {
			c.join(n)
		}
		test(t, c)
	})
}

// start begins a run of a node, which is not registered.
func (c *cluster) start(id model.NodeID) *node {
	c.t.Helper()
	fs, logger := c.fs[id], slog.New(slog.NewTextHandler(c.t.Output(), nil)).With("on", id)
	if err := vfs.MkdirAllSynced(fs, "data"); err != nil {
		c.t.Fatal(err)
	}
	n := &node{c: c, id: id, incarnation: model.NewUUID(), left: make(chan error, 1), ran: make(chan error, 1)}
	n.disk = storage.NewDisk(storage.DiskOptions{FS: fs, Dir: "data", Logger: logger, Failed: func(err error) { c.t.Error(err) }})
	l := line{c.w, id}
	var err error
	if n.quorum, err = quorum.New(quorum.Options{
		Node: id, Voters: []model.NodeID{1, 2, 3}, FS: fs, Dir: "data", Disk: n.disk, Logger: logger,
		Transport: raft{l}, Publish: n.publish, Follow: func(d meta.Delta, i *meta.Image) { n.office.Apply(d, i) }, Lead: func(term uint64) { n.office.Lead(term) }, LeaderChanged: func() { n.member.LeaderChanged() },
		Env: func() controller.Env {
			return controller.Env{Partitions: 1, ReplicationFactor: 3, Heard: n.office.Supports}
		},
	}); err != nil {
		c.t.Fatal(err)
	}
	n.router = NewRouter(n.quorum, l, func(result any) { n.office.Decided(result) }, slog.New(slog.DiscardHandler))
	n.office = NewOffice(OfficeOptions{
		Node: id, Timing: controller.Timing{Session: session, First: session, Retry: 500 * time.Millisecond},
		Quorum: n.quorum, Network: l, Logger: logger,
		Ask: func(from model.NodeID, q controller.Question) { n.member.Ask(from, q) },
	})
	n.member = New(Options{
		Node: id, Heartbeat: heartbeat, Session: session, Quorum: n.quorum, Router: n.router, Network: l, Office: n.office,
		Others: func() iter.Seq[model.NodeID] {
			return slices.Values(slices.DeleteFunc([]model.NodeID{1, 2, 3}, func(other model.NodeID) bool { return other == id }))
		},
		Partitions: n, Lapsed: func() { n.lapsed.Add(1) }, Logger: logger,
	})
	n.set = partition.NewSet(partition.Options{
		Node: id, FS: fs, Dir: "data", Disk: n.disk, Directories: []partition.Directory{{Path: "data", Disk: n.disk}}, Logger: logger, LagMax: time.Minute, Controller: n.member, Lease: n.member,
		Upkeep: partition.Upkeep{RetentionInterval: time.Hour},
	})
	if err := n.set.Load(); err != nil {
		c.t.Fatal(err)
	}
	n.run()
	c.w.mu.Lock()
	c.w.nodes[id] = n
	c.w.mu.Unlock()
	return n
}

// run begins everything but the membership, and makes stop.
func (n *node) run() {
	var running, disk sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	diskCtx, stopDisk := context.WithCancel(context.Background())
	disk.Go(func() { _ = n.disk.Run(diskCtx) })
	running.Go(func() { _ = n.set.Run(ctx) })
	running.Go(func() { n.left <- n.quorum.Run(ctx) })
	n.stop = sync.OnceFunc(func() {
		n.c.w.mu.Lock()
		if n.c.w.nodes[n.id] == n {
			delete(n.c.w.nodes, n.id)
		}
		n.c.w.mu.Unlock()
		cancel()
		n.office.Lead(0) // it watches no more
		running.Wait()
		_ = n.set.Close()
		_ = n.quorum.Close()
		stopDisk()
		disk.Wait()
	})
	n.begin = func() {
		running.Go(func() { n.ran <- n.member.Run(ctx) })
	}
}

// join registers a run, and waits until it serves.
func (c *cluster) join(n *node) {
	c.t.Helper()
	if err := n.member.Register(context.Background(), n.registration()); err != nil {
		c.t.Fatal(err)
	}
	n.begin()
	<-n.member.Unfenced()
}

func (n *node) registration() controller.RegisterBroker {
	return controller.RegisterBroker{
		Node: n.id, Incarnation: n.incarnation, Directory: model.DirectoryID{byte(n.id)}, Fenced: true,
		Supports:  meta.Supported,
		Endpoints: []meta.Endpoint{{Listener: "PLAINTEXT", Host: "memory", Port: 9092, Protocol: "PLAINTEXT"}},
	}
}

// publish is what package broker does with an image.
func (n *node) publish(delta meta.Delta, image *meta.Image) {
	<-time.After(time.Duration(n.slow.Load()))
	if !n.registered {
		if self := image.Brokers.ByID(n.id); self == nil || self.Incarnation != n.incarnation {
			return
		}
		n.registered = true
		delta = meta.Diff(nil, image)
	}
	n.set.Apply(delta, image)
	n.member.Applied(image)
}

// Find implements Partitions.
func (n *node) Find(topic model.TopicID, number model.Partition) *partition.Partition {
	return n.set.Find(topic, number)
}

// message is what package broker does with one.
func (n *node) message(from model.NodeID, kind peer.Kind, body []byte) {
	var err error
	switch kind {
	case KindQuestion:
		err = n.member.Asked(from, body)
	case KindAnswer:
		err = n.member.Answered(from, body)
	default:
		err = errNoSuchKind
	}
	if err != nil {
		n.c.t.Errorf("message of kind %d: %v", kind, err)
	}
}

func (n *node) request(ctx context.Context, from model.NodeID, kind peer.Kind, body []byte) ([]byte, error) {
	switch kind {
	case KindCommand:
		return n.router.Decide(ctx, body)
	case KindHeartbeat:
		return n.member.HeardBeat(ctx, body)
	case KindIndex:
		return n.router.Index(), nil
	case KindQuorum:
		return n.router.DescribeQuorum(), nil
	case KindStanding:
		return n.router.Standing(from, body)
	}
	return nil, errNoSuchKind
}

// none holds no partition.
type none struct{}

func (none) Find(model.TopicID, model.Partition) *partition.Partition { return nil }
