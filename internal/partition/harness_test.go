package partition

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

const self model.NodeID = 1

// node is a Set over a file system in memory, told of images by the test.
type node struct {
	t     testing.TB
	fs    vfs.FS
	disk  *storage.Disk
	set   *Set
	image *meta.Image
	stop  func()

	rolesMu sync.Mutex
	roles   []RoleChange
}

// newNode opens a set. Its disk does not sync before startDisk.
func newNode(t testing.TB, fs vfs.FS) *node {
	t.Helper()
	n := &node{t: t, fs: fs, image: new(meta.Image), stop: func() {}}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	if err := vfs.MkdirAllSynced(fs, "data"); err != nil {
		t.Fatal(err)
	}
	n.disk = storage.NewDisk(storage.DiskOptions{FS: fs, Dir: "data", Logger: logger, Failed: func(err error) { n.set.Fail(err) }})
	n.set = NewSet(Options{
		Node: self, FS: fs, Dir: "data", Disk: n.disk, Directories: []Directory{{Path: "data", Name: "/data", Disk: n.disk}}, Logger: logger, LagMax: 30 * time.Second,
		RoleChanged: func(c RoleChange) {
			n.rolesMu.Lock()
			defer n.rolesMu.Unlock()
			n.roles = append(n.roles, c)
		},
	})
	// Not Load: images here begin anew, and normal epochs would be of a later one.
	if err := n.set.survey(); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) startDisk() {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = n.disk.Run(ctx) }()
	saved := make(chan struct{})
	go func() { defer close(saved); _ = n.set.normals.run(ctx) }()
	n.stop = func() { cancel(); <-done; <-saved }
	n.t.Cleanup(n.stop)
}

// apply moves the image on by some records.
func (n *node) apply(records ...meta.Record) {
	n.t.Helper()
	next, delta, err := n.image.Apply(records, n.image.Index+1)
	if err != nil {
		n.t.Fatal(err)
	}
	n.image = next
	n.set.Apply(delta, next)
}

var topicID = model.UUID{1}

// create makes topic t with one partition of these replicas, led by the first.
func (n *node) create(replicas ...model.NodeID) *Partition {
	n.t.Helper()
	n.apply(
		&meta.TopicRecord{ID: topicID, Name: "t"},
		&meta.PartitionRecord{Topic: topicID, Partition: meta.Partition{Replicas: replicas, ISR: replicas, Leader: replicas[0]}},
	)
	return n.partition()
}

func (n *node) partition() *Partition {
	n.t.Helper()
	p := n.set.Get(model.TopicPartition{Topic: "t"})
	if p == nil {
		n.t.Fatal("the partition is not open")
	}
	return p
}

func batch(values ...string) []byte {
	b := record.NewBuilder(record.BuildOptions{})
	for _, v := range values {
		b.Append(model.TimestampOf(time.Now()), nil, []byte(v))
	}
	return b.Build()
}

func (n *node) append(p *Partition, acks Acks, values ...string) Pending {
	n.t.Helper()
	pending, err := p.Append(batch(values...), Append{Acks: acks, Epoch: model.NoLeaderEpoch})
	if err != nil {
		n.t.Fatal(err)
	}
	return pending
}

// wait waits for an append, with a limit that only a failing test reaches.
func (n *node) wait(p *Pending) error {
	ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
	defer cancel()
	return p.Wait(ctx)
}
