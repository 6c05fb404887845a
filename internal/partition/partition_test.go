package partition

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

func TestAppendIsAcknowledgedAndVisibleOnlyOnceSynced(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self)
	for _, acks := range []Acks{AcksLeader, AcksAll} {
		pending := n.append(p, acks, "v")
		if done, _ := pending.TryWait(); done {
			t.Fatalf("acks=%d was acknowledged before a sync", acks)
		}
	}
	if o := p.Offsets(); o.HighWatermark != 0 || o.End != 2 {
		t.Fatalf("before the sync the high watermark is %d of %d", o.HighWatermark, o.End)
	}
	read, err := p.Read(Read{MaxBytes: 1 << 20, MinOneBatch: true, Epoch: model.NoLeaderEpoch, LastEpoch: model.NoLeaderEpoch})
	if err != nil || len(read.Batches) != 0 {
		t.Fatalf("a consumer sees %d bytes that are not committed (%v)", len(read.Batches), err)
	}
	pending := n.append(p, AcksAll, "v")
	n.startDisk()
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	if o := p.Offsets(); o.HighWatermark != 3 {
		t.Fatalf("after the sync the high watermark is %d", o.HighWatermark)
	}
}

func TestAppendWithoutAcksWaitsForNothing(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	pending := n.append(n.create(self), AcksNone, "v")
	if done, err := pending.TryWait(); !done || err != nil {
		t.Fatalf("done %v, %v", done, err)
	}
}

func TestCoordinatorSeesTheLogEndBeforeItIsCommitted(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self)
	n.append(p, AcksAll, "v")
	read, err := p.Read(Read{MaxBytes: 1 << 20, Isolation: ReadLogEnd, Epoch: model.NoLeaderEpoch, LastEpoch: model.NoLeaderEpoch})
	if err != nil || len(read.Batches) == 0 {
		t.Fatalf("read %d bytes, %v", len(read.Batches), err)
	}
}

func TestAcksAllBelowMinInsyncIsRefusedAndAppendsNothing(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self, 2, 3)
	n.apply(
		&meta.PartitionChangeRecord{Topic: topicID, ISR: []model.NodeID{self}},
		&meta.ConfigRecord{Resource: meta.Resource{Type: meta.TopicResource, Name: "t"}, Name: "min.insync.replicas", Value: "2"},
	)
	if _, err := p.Append(batch("v"), Append{Acks: AcksAll, Epoch: model.NoLeaderEpoch}); !errors.Is(err, ErrNotEnoughReplicas) {
		t.Fatalf("got %v", err)
	}
	if end := p.Offsets().End; end != 0 {
		t.Fatalf("the log ends at %d", end)
	}
}

// min.insync.replicas above the number of replicas means all of them, as in
// Kafka: nothing could be written otherwise, ever.
func TestMinInsyncIsAtMostTheNumberOfReplicas(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	n.startDisk()
	p := n.create(self)
	n.apply(&meta.ConfigRecord{Resource: meta.Resource{Type: meta.TopicResource, Name: "t"}, Name: "min.insync.replicas", Value: "2"})
	pending := n.append(p, AcksAll, "v")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	if mark := p.Offsets().HighWatermark; mark != 1 {
		t.Fatalf("the high watermark is %d", mark)
	}
}

// flush.messages lets records be acknowledged before they are synced, from when
// it is set and until it is deleted.
func TestFlushMessagesCountsWhileItIsSet(t *testing.T) {
	var syncs atomic.Int64
	n := newNode(t, vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpSyncData && strings.HasSuffix(op.Name, ".log") {
			syncs.Add(1)
		}
		return nil
	}))
	n.startDisk()
	p := n.create(self)
	f := func(flushMessages string, wantSync bool) {
		t.Helper()
		n.apply(flushMessagesRecord(flushMessages))
		before := syncs.Load()
		pending := n.append(p, AcksAll, "v")
		if err := n.wait(&pending); err != nil {
			t.Fatal(err)
		}
		if synced := syncs.Load() > before; synced != wantSync {
			t.Errorf("flush.messages=%s: synced before it was acknowledged: %v, want %v", flushMessages, synced, wantSync)
		}
	}
	f("1", true)
	f("1000", false)
	f("1", true)
	f("1000", false)
}

func flushMessagesRecord(value string) *meta.ConfigRecord {
	return &meta.ConfigRecord{Resource: meta.Resource{Type: meta.TopicResource, Name: "t"}, Name: "flush.messages", Value: value}
}

// A record that was written under a relaxed setting, and had not been
// acknowledged when that was taken back, is synced and acknowledged.
func TestRecordsWrittenBeforeFlushMessagesIsTakenBackAreSynced(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self)
	n.apply(flushMessagesRecord("1000"))
	pending := n.append(p, AcksAll, "v")
	n.apply(flushMessagesRecord("1"))
	n.startDisk()
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
}

// With two in the set the leader's disk alone commits nothing: nobody has told
// of the other's.
func TestHighWatermarkWaitsForTheQuorum(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	n.startDisk()
	p := n.create(self, 2)
	leader := n.append(p, AcksLeader, "v")
	if err := n.wait(&leader); err != nil {
		t.Fatal(err)
	}
	if mark := p.Offsets().HighWatermark; mark != 0 {
		t.Fatalf("the high watermark is %d", mark)
	}
}

func TestLosingTheLeadershipFailsWhoWaits(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self, 2)
	pending := n.append(p, AcksAll, "v")
	n.apply(&meta.PartitionChangeRecord{Topic: topicID, Elect: true, Leader: 2})
	if done, err := pending.TryWait(); !done || !errors.Is(err, ErrNotLeader) {
		t.Fatalf("done %v, %v", done, err)
	}
	if _, err := p.Append(batch("v"), Append{Acks: AcksLeader, Epoch: model.NoLeaderEpoch}); !errors.Is(err, ErrNotLeader) {
		t.Fatalf("an append to a follower: %v", err)
	}
	want := []RoleChange{{Name: p.Name(), Leading: true}, {Name: p.Name(), Epoch: 1}}
	if len(n.roles) != 2 || n.roles[0] != want[0] || n.roles[1] != want[1] {
		t.Fatalf("told of %v, want %v", n.roles, want)
	}
}

func TestLeaderEpochsOfCallersAreChecked(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self, 2)
	n.apply(&meta.PartitionChangeRecord{Topic: topicID, Elect: true, Leader: model.NoNode})
	n.apply(&meta.PartitionChangeRecord{Topic: topicID, Elect: true, Leader: self})
	f := func(known model.LeaderEpoch, want error) {
		t.Helper()
		if err := p.CheckLeader(known); !errors.Is(err, want) {
			t.Errorf("epoch %d: got %v, want %v", known, err, want)
		}
	}
	f(1, ErrFencedLeaderEpoch)
	f(2, nil)
	f(model.NoLeaderEpoch, nil)
	f(3, ErrUnknownLeaderEpoch)
}

func TestFailedSyncFailsWhoWaitsAndEverythingAfter(t *testing.T) {
	broken := errors.New("input/output error")
	fs := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpSyncData && len(op.Name) > 4 && op.Name[len(op.Name)-4:] == ".log" {
			return broken
		}
		return nil
	})
	n := newNode(t, fs)
	p := n.create(self)
	pending := n.append(p, AcksAll, "v")
	n.startDisk()
	if err := n.wait(&pending); !errors.Is(err, storage.ErrFenced) {
		t.Fatalf("the append that was to be synced: %v", err)
	}
	if _, err := p.Append(batch("v"), Append{Acks: AcksAll, Epoch: model.NoLeaderEpoch}); !errors.Is(err, storage.ErrFenced) {
		t.Fatalf("an append afterwards: %v", err)
	}
	if _, err := p.LatestOffset(model.NoLeaderEpoch, ReadUncommitted); !errors.Is(err, storage.ErrFenced) {
		t.Fatalf("a look afterwards: %v", err)
	}
}

func TestWatchIsSignalledWhenTheHighWatermarkMoves(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self)
	w := NewWatch()
	p.Watch(w)
	n.append(p, AcksAll, "v")
	select {
	case <-w.C():
		t.Fatal("signalled by what is not committed")
	default:
	}
	n.startDisk()
	<-w.C()
	p.Unwatch(w)
	pending := n.append(p, AcksAll, "v")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.C():
		t.Fatal("signalled after Unwatch")
	default:
	}
}

func TestPartitionSurvivesARestart(t *testing.T) {
	mem := vfs.NewMem()
	n := newNode(t, mem)
	n.startDisk()
	pending := n.append(n.create(self), AcksAll, "a", "b")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	if err := n.set.Close(); err != nil {
		t.Fatal(err)
	}
	n.stop()
	again := newNode(t, mem.Crash())
	again.startDisk()
	p := again.create(self)
	if err := p.WaitCommitted(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if o := p.Offsets(); o.HighWatermark != 2 || o.End != 2 {
		t.Fatalf("after the restart: %+v", o)
	}
}

// A topic's directory may be there when another of the same name is created: the
// process died between the deletion's commit and the directory's removal.
func TestDirectoryOfAnEarlierTopicIsSetAside(t *testing.T) {
	mem := vfs.NewMem()
	n := newNode(t, mem)
	n.startDisk()
	pending := n.append(n.create(self), AcksAll, "old")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	n.stop()
	again := newNode(t, mem.Crash())
	other := model.UUID{2}
	again.apply(
		&meta.TopicRecord{ID: other, Name: "t"},
		&meta.PartitionRecord{Topic: other, Partition: meta.Partition{Replicas: []model.NodeID{self}, ISR: []model.NodeID{self}, Leader: self}},
	)
	if o := again.partition().Offsets(); o.End != 0 {
		t.Fatalf("the new topic begins with %d records of the old", o.End)
	}
	entries, err := again.fs.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	stray := 0
	for _, e := range entries {
		if len(e.Name) > 6 && e.Name[len(e.Name)-6:] == "-stray" {
			stray++
		}
	}
	if stray != 1 {
		t.Errorf("%d directories were set aside: %v", stray, entries)
	}
}

func TestPartitionThatCannotBeOpenedIsOfflineAndLeavesOthersAlone(t *testing.T) {
	fs := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpMkdirAll && op.Name == "data/t-0" {
			return errors.New("permission denied")
		}
		return nil
	})
	n := newNode(t, fs)
	one := meta.Partition{Replicas: []model.NodeID{self}, ISR: []model.NodeID{self}, Leader: self}
	n.apply(&meta.TopicRecord{ID: topicID, Name: "t"},
		&meta.PartitionRecord{Topic: topicID, Index: 0, Partition: one}, &meta.PartitionRecord{Topic: topicID, Index: 1, Partition: one})
	bad, good := model.TopicPartition{Topic: "t"}, model.TopicPartition{Topic: "t", Partition: 1}
	if n.set.Get(bad) != nil || !errors.Is(n.set.Offline(bad), ErrOffline) {
		t.Errorf("t-0: %v, %v", n.set.Get(bad), n.set.Offline(bad))
	}
	if n.set.Get(good) == nil || n.set.Offline(good) != nil {
		t.Errorf("t-1: %v, %v", n.set.Get(good), n.set.Offline(good))
	}
}

// A process that may have no more files open leaves logs closed, rather than be without
// files for all else.
func TestLogsBeyondTheLimitAreOfflineUntilThereIsRoom(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	n.set.options.LogsMax = 2
	one := meta.Partition{Replicas: []model.NodeID{self}, ISR: []model.NodeID{self}, Leader: self}
	first, second := topicID, model.NewUUID()
	n.apply(&meta.TopicRecord{ID: first, Name: "t"}, &meta.PartitionRecord{Topic: first, Index: 0, Partition: one}, &meta.PartitionRecord{Topic: first, Index: 1, Partition: one})
	n.apply(&meta.TopicRecord{ID: second, Name: "u"}, &meta.PartitionRecord{Topic: second, Index: 0, Partition: one})
	u := model.TopicPartition{Topic: "u"}
	if n.set.Get(u) != nil || !errors.Is(n.set.Offline(u), ErrTooManyLogs) {
		t.Fatalf("%v, %v", n.set.Get(u), n.set.Offline(u))
	}
	n.apply(&meta.RemoveTopicRecord{ID: first})
	n.apply(&meta.PartitionChangeRecord{Topic: second, Index: 0, Elect: true, Leader: self})
	if n.set.Get(u) == nil || n.set.Offline(u) != nil {
		t.Errorf("with room again: %v, %v", n.set.Get(u), n.set.Offline(u))
	}
}

func TestDeletedPartitionFailsWhoWaits(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	p := n.create(self)
	pending := n.append(p, AcksAll, "v")
	n.apply(&meta.RemoveTopicRecord{ID: topicID})
	if done, err := pending.TryWait(); !done || !errors.Is(err, ErrClosed) {
		t.Fatalf("done %v, %v", done, err)
	}
	if n.set.Get(p.Name()) != nil {
		t.Error("the partition is still there")
	}
}
