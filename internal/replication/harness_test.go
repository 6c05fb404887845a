package replication

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// cluster is nodes whose partitions are connected by streams in memory, and whose
// metadata is what the test says. It runs in a bubble of synctest.
type cluster struct {
	t     *testing.T
	nodes map[model.NodeID]*node

	mu    sync.Mutex
	image *meta.Image
	cut   map[link]bool
	pipes map[link]*pipe // the newest of each
	// tamper, where not nil, looks at every frame before it is delivered, and may
	// change it.
	tamper func(l link, toFollower bool, frame []byte)
	// proposes: what leaders propose comes into force.
	proposes bool
	applying sync.Mutex // held while an image is applied
}

// link is a follower's way to a leader.
type link struct{ follower, leader model.NodeID }

// node is a partition.Set and its Streams.
type node struct {
	c       *cluster
	id      model.NodeID
	fs      *vfs.Mem
	disk    *storage.Disk
	set     *partition.Set
	streams *Streams
	stop    func()

	sentThrottled, receivedThrottled, waiting atomic.Int64 // as Options are told
}

// inCluster runs a test with nodes 1 to n.
func inCluster(t *testing.T, n int, test func(*testing.T, *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{
			t: t, nodes: make(map[model.NodeID]*node), image: new(meta.Image), proposes: true,
			cut: make(map[link]bool), pipes: make(map[link]*pipe),
		}
		var registrations []meta.Record
		for i := range n {
			id := model.NodeID(i + 1)
			registrations = append(registrations, &meta.RegisterBrokerRecord{Broker: meta.Broker{ID: id, Epoch: 1}})
			c.start(id, vfs.NewMem())
		}
		c.apply(registrations...)
		defer func() {
			for _, n := range c.running() {
				n.stop()
			}
		}()
		test(t, c)
	})
}

// start begins a node over what its disk holds.
func (c *cluster) start(id model.NodeID, fs *vfs.Mem) {
	c.t.Helper()
	if err := vfs.MkdirAllSynced(fs, "data"); err != nil {
		c.t.Fatal(err)
	}
	n := &node{c: c, id: id, fs: fs}
	logger := slog.New(severe{c.t})
	n.disk = storage.NewDisk(storage.DiskOptions{FS: fs, Dir: "data", Logger: logger, Failed: func(err error) { n.set.Fail(err) }})
	n.streams = New(Options{
		Node: id, Dial: n.dial, Partitions: n, Logger: logger,
		SentThrottled:     func(bytes int) { n.sentThrottled.Add(int64(bytes)) },
		ReceivedThrottled: func(bytes int) { n.receivedThrottled.Add(int64(bytes)) },
		Waiting:           func(partitions int) { n.waiting.Store(int64(partitions)) },
	})
	n.set = partition.NewSet(partition.Options{
		Node: id, FS: fs, Dir: "data", Disk: n.disk, Directories: []partition.Directory{{Path: "data", Disk: n.disk}}, Logger: logger, LagMax: 10 * time.Second,
		Peers: n.streams, Controller: n, Upkeep: partition.Upkeep{RetentionInterval: time.Hour},
	})
	if err := n.set.Load(); err != nil {
		c.t.Fatal(err)
	}
	diskCtx, stopDisk := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	var running, disk sync.WaitGroup
	disk.Go(func() { _ = n.disk.Run(diskCtx) })
	running.Go(func() { _ = n.set.Run(ctx) })
	running.Go(func() { _ = n.streams.Run(ctx) })
	n.stop = sync.OnceFunc(func() {
		c.disconnect(id)
		stop()
		running.Wait()
		if err := n.set.Close(); err != nil {
			c.t.Error(err)
		}
		stopDisk()
		disk.Wait()
	})
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	c.nodes[id] = n
	c.mu.Unlock()
	if image := c.current(); image.Index > 0 {
		n.set.Apply(meta.Diff(nil, image), image)
		n.streams.Apply(meta.Diff(nil, image), image)
	}
}

// crash ends a node, and returns what its disk holds then.
func (c *cluster) crash(id model.NodeID) *vfs.Mem {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	n := c.nodes[id]
	delete(c.nodes, id)
	c.mu.Unlock()
	fs := n.fs.Crash()
	n.stop()
	return fs
}

// running are the nodes, by id.
func (c *cluster) running() []*node {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*node
	for _, id := range slices.Sorted(maps.Keys(c.nodes)) {
		all = append(all, c.nodes[id])
	}
	return all
}

func (c *cluster) current() *meta.Image {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.image
}

// apply moves the metadata on, on one node after another.
func (c *cluster) apply(records ...meta.Record) {
	c.t.Helper()
	if err := c.change(func(*meta.Image) []meta.Record { return records }); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) change(decide func(*meta.Image) []meta.Record) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	before := c.current()
	records := decide(before)
	if len(records) == 0 {
		return nil
	}
	next, delta, err := before.Apply(records, before.Index+1)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.image = next
	c.mu.Unlock()
	for _, n := range c.running() {
		n.set.Apply(delta, next)
		n.streams.Apply(delta, next)
	}
	return nil
}

// Find implements Partitions.
func (n *node) Find(topic model.TopicID, number model.Partition) *partition.Partition {
	return n.set.Find(topic, number)
}

// All implements Partitions.
func (n *node) All() func(yield func(*partition.Partition) bool) { return n.set.All() }

// Answer implements partition.Controller: these tests elect as they please.
func (n *node) Answer(model.TopicID, model.Partition, replica.Answer) {}

// Propose implements partition.Controller.
func (n *node) Propose(topic model.TopicID, number model.Partition, change replica.Change) {
	if !n.c.proposes {
		return
	}
	isr := make([]model.NodeID, len(change.ISR))
	for i, m := range change.ISR {
		isr[i] = m.Node
	}
	go func() {
		_ = n.c.change(func(i *meta.Image) []meta.Record {
			t := i.Topics.ByID(topic)
			if t == nil || t.Partitions[number].PartitionEpoch != change.PartitionEpoch {
				return nil // overtaken
			}
			return []meta.Record{&meta.PartitionChangeRecord{Topic: topic, Index: number, ISR: isr, SetLost: true, Lost: change.Lost}}
		})
	}()
}

// topicID is that of every test's topic t.
var topicID = model.UUID{1}

// create makes topic t of some partitions, led by the first of the replicas.
func (c *cluster) create(partitions int, replicas ...model.NodeID) {
	c.t.Helper()
	records := []meta.Record{&meta.TopicRecord{ID: topicID, Name: "t"}}
	for i := range partitions {
		records = append(records, &meta.PartitionRecord{
			Topic: topicID, Index: model.Partition(i), Partition: meta.Partition{Replicas: replicas, ISR: replicas, Leader: replicas[0]},
		})
	}
	c.apply(records...)
}

// elect has nobody lead a partition, and then a node.
func (c *cluster) elect(number model.Partition, leader model.NodeID) {
	c.t.Helper()
	c.apply(&meta.PartitionChangeRecord{Topic: topicID, Index: number, Elect: true, Leader: model.NoNode})
	c.apply(&meta.PartitionChangeRecord{Topic: topicID, Index: number, Elect: true, Leader: leader})
}

// severe fails a test at what a person would have to look at, and logs warnings.
type severe struct{ t *testing.T }

func (s severe) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (s severe) WithAttrs([]slog.Attr) slog.Handler           { return s }
func (s severe) WithGroup(string) slog.Handler                { return s }

func (s severe) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += fmt.Sprintf(" %s=%v", a.Key, a.Value); return true })
	if r.Level >= slog.LevelError {
		s.t.Error(line)
	} else {
		s.t.Log(line)
	}
	return nil
}
