package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

const dataDir = "data"

// node is a Quorum with its disk, running.
type node struct {
	*Quorum
	t    testing.TB
	fs   vfs.FS
	disk *storage.Disk
	end  func()
	done chan error // what Run returned
	// closed is what Close returned.
	closed error

	followed atomic.Pointer[meta.Image] // what Follow was told last

	mu        sync.Mutex
	published []*meta.Image
	built     *meta.Image // from the deltas alone
	problem   error
}

type nodeOptions struct {
	id        model.NodeID
	voters    []model.NodeID
	join      bool
	fs        vfs.FS
	transport Transport
	limits    *SnapshotLimits
	logger    *slog.Logger
}

// startNode opens and runs a quorum; its error is Open's.
func startNode(t testing.TB, o nodeOptions) (*node, error) {
	t.Helper()
	if o.logger == nil {
		o.logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(o.fs.MkdirAll(dataDir), o.fs.SyncDir(".")); err != nil {
		return nil, err
	}
	n := &node{t: t, fs: o.fs, built: new(meta.Image)}
	n.disk = storage.NewDisk(storage.DiskOptions{FS: o.fs, Dir: dataDir, Logger: slog.New(slog.DiscardHandler)})
	diskCtx, stopDisk := context.WithCancel(context.Background())
	diskDone := make(chan error, 1)
	go func() { diskDone <- n.disk.Run(diskCtx) }()
	endDisk := func() { stopDisk(); <-diskDone }
	q, err := New(Options{
		Node: o.id, Voters: o.voters, Join: o.join, FS: o.fs, Dir: dataDir, Disk: n.disk, Logger: o.logger,
		Transport: o.transport, Publish: n.publish, Follow: func(_ meta.Delta, i *meta.Image) { n.followed.Store(i) },
	})
	if err != nil {
		endDisk()
		return nil, err
	}
	if o.limits != nil {
		q.snapshot = *o.limits
	}
	n.Quorum = q
	ctx, cancel := context.WithCancel(context.Background())
	n.done = make(chan error, 1)
	go func() { n.done <- q.Run(ctx) }()
	var once sync.Once
	n.end = func() {
		once.Do(func() {
			cancel()
			err := <-n.done
			n.done <- err
			n.closed = q.Close()
			endDisk()
		})
	}
	t.Cleanup(n.end)
	return n, nil
}

func mustStart(t testing.TB, o nodeOptions) *node {
	t.Helper()
	n, err := startNode(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// publish checks that images follow each other and that deltas tell it all.
func (n *node) publish(d meta.Delta, image *meta.Image) {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := new(meta.Image)
	if len(n.published) > 0 {
		last = n.published[len(n.published)-1]
	}
	if image.Index < last.Index {
		n.problem = fmt.Errorf("image %d published after %d", image.Index, last.Index)
	}
	if want := meta.Diff(last, image); len(want.Created) != len(d.Created) || len(want.Deleted) != len(d.Deleted) ||
		len(want.Changed) != len(d.Changed) || len(want.Brokers) != len(d.Brokers) || len(want.Configs) != len(d.Configs) {
		n.problem = fmt.Errorf("delta of image %d is %+v, want %+v", image.Index, d, want)
	}
	n.published = append(n.published, image)
}

func (n *node) check() {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.problem != nil {
		n.t.Error(n.problem)
	}
}

func (n *node) submit(command controller.Command) (any, error) {
	return n.Submit(context.Background(), command)
}

func (n *node) register() {
	n.t.Helper()
	if err := n.tryRegister(); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) tryRegister() error {
	command := controller.RegisterBroker{
		Node: n.o.Node, Incarnation: model.NewUUID(), Directory: model.DirectoryID{byte(n.o.Node) + 1},
		Endpoints: []meta.Endpoint{{Listener: "PLAINTEXT", Host: "localhost", Port: 9092, Protocol: "PLAINTEXT"}},
		Supports:  meta.Supported,
	}
	_, err := n.submit(command)
	if b := n.Image().Brokers.ByID(n.o.Node); err != nil && b != nil {
		// Now it knows which registration it replaces.
		command.Previous = b.Epoch
		_, err = n.submit(command)
	}
	return err
}

// create creates a topic with three partitions; the error is Submit's or the
// topic's.
func (n *node) create(name string) error {
	result, err := n.submit(controller.CreateTopics{Topics: []controller.CreateTopic{{Name: name, Partitions: 3, ReplicationFactor: 1}}})
	if err != nil {
		return err
	}
	if err := result.(controller.CreateTopicsResult).Topics[0].Err; err != nil {
		return err
	}
	if n.Image().Topics.ByName(name) == nil {
		return errors.New("the command was answered before its image was published")
	}
	return nil
}

func (n *node) mustCreate(names ...string) {
	n.t.Helper()
	for _, name := range names {
		if err := n.create(name); err != nil {
			n.t.Fatal(err)
		}
	}
}

// network delivers between nodes in one process.
type network struct {
	mu    sync.Mutex
	nodes map[model.NodeID]*node
	cut   map[model.NodeID]bool // isolated
	snaps int                   // snapshots that came through, or nearly
	// snapsLost of those to come are lost.
	snapsLost int
	sent      atomic.Int64 // messages
}

func newNetwork() *network {
	return &network{nodes: map[model.NodeID]*node{}, cut: map[model.NodeID]bool{}}
}

func (w *network) isolate(id model.NodeID, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[id] = cut
}

func (w *network) set(id model.NodeID, n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[id] = n
}

// port is one node's side of the network.
type port struct {
	w    *network
	from model.NodeID
}

func (p port) Send(messages []*raftpb.Message) {
	for _, m := range messages {
		p.w.sent.Add(1)
		p.w.deliver(p.from, m)
	}
}
