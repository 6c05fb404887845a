package partition

import (
	"fmt"
	"log/slog"

	"strings"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// newDisksNode is newNode with log directories a and b, and none of them the data directory.
func newDisksNode(t testing.TB, fs vfs.FS) *node {
	t.Helper()
	n := newNode(t, fs)
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	o := n.set.options
	o.Directories, o.RoleChanged = nil, nil // n.roles is of one partition
	for _, dir := range []string{"a", "b"} {
		if err := vfs.MkdirAllSynced(fs, dir); err != nil {
			t.Fatal(err)
		}
		disk := storage.NewDisk(storage.DiskOptions{FS: fs, Dir: dir, Logger: logger, Failed: func(err error) { n.set.Fail(err) }})
		o.Directories = append(o.Directories, Directory{Path: dir, Name: "/" + dir, Disk: disk})
	}
	n.set = NewSet(o)
	return n
}

// topic makes a topic of so many partitions.
func (n *node) topic(name string, id byte, partitions int) {
	n.t.Helper()
	records := []meta.Record{&meta.TopicRecord{ID: model.UUID{id}, Name: name}}
	for i := range partitions {
		records = append(records, &meta.PartitionRecord{Topic: model.UUID{id}, Index: model.Partition(i),
			Partition: meta.Partition{Replicas: []model.NodeID{self}, ISR: []model.NodeID{self}, Leader: self}})
	}
	n.apply(records...)
}

// lying are the directories of partitions.
func lying(t testing.TB, fs vfs.FS, dir string) (names []string) {
	t.Helper()
	entries, err := fs.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := storage.ParsePartitionDir(e.Name); ok {
			names = append(names, e.Name)
		}
	}
	return names
}

func TestNewPartitionsGoWhereThereAreFewest(t *testing.T) {
	fs := vfs.NewMem()
	n := newDisksNode(t, fs)
	for i := range 3 {
		if err := vfs.MkdirAllSynced(fs, fmt.Sprintf("a/old-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.set.Load(); err != nil {
		t.Fatal(err)
	}
	n.topic("t", 1, 5)
	if a, b := lying(t, fs, "a"), lying(t, fs, "b"); len(a) != 4 || len(b) != 4 {
		t.Fatalf("a has %v, b has %v", a, b)
	}
	// What is deleted makes room.
	for _, p := range lying(t, fs, "b") {
		name, _ := storage.ParsePartitionDir(p)
		n.set.remove([]model.TopicPartition{name})
	}
	n.topic("u", 2, 3)
	if b := lying(t, fs, "b"); strings.Join(b, " ") != "u-0 u-1 u-2" {
		t.Errorf("b has %v", b)
	}
}

// A partition is opened where it lies, whatever is fewest, and one that could not be opened
// is not begun anew elsewhere.
func TestPartitionStaysWhereItLies(t *testing.T) {
	mem := vfs.NewMem()
	n := newDisksNode(t, mem)
	n.topic("t", 1, 4)
	before := fmt.Sprint(lying(t, mem, "a"), lying(t, mem, "b"))
	if err := n.set.Close(); err != nil {
		t.Fatal(err)
	}
	fail := true
	again := newDisksNode(t, vfs.NewFaulty(mem, func(op vfs.Op) error {
		if fail && strings.HasSuffix(op.Name, "t-1/leader-epoch-checkpoint") {
			return fmt.Errorf("no descriptors")
		}
		return nil
	}))
	if err := again.set.Load(); err != nil {
		t.Fatal(err)
	}
	again.topic("t", 1, 4)
	fail = false
	again.set.Apply(meta.Diff(nil, again.image), again.image)
	if after := fmt.Sprint(lying(t, mem, "a"), lying(t, mem, "b")); after != before {
		t.Errorf("partitions in %s, before in %s", after, before)
	}
}

func TestPartitionInTwoDirectoriesStopsTheStart(t *testing.T) {
	for _, same := range []bool{true, false} {
		fs := vfs.NewMem()
		n := newDisksNode(t, fs)
		for i, dir := range []string{"a/t-0", "b/t-0"} {
			id := model.UUID{1}
			if !same {
				id[1] = byte(i)
			}
			if err := vfs.MkdirAllSynced(fs, dir); err != nil {
				t.Fatal(err)
			}
			if err := storage.WriteTopicID(fs, dir, id); err != nil {
				t.Fatal(err)
			}
		}
		err := n.set.Load()
		if same {
			if err == nil || !strings.Contains(err.Error(), "t-0 lies in /a and in /b") {
				t.Errorf("loaded: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n.topic("t", 1, 1)
		if a, b := lying(t, fs, "a"), lying(t, fs, "b"); len(a) != 1 || len(b) > 1 {
			t.Errorf("a has %v, b has %v", a, b)
		}
		if p := n.set.Get(model.TopicPartition{Topic: "t"}); p == nil || p.Directory() != "/a" {
			t.Errorf("opened: %v", p)
		}
	}
}
