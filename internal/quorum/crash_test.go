package quorum

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// told is what had been acknowledged when a crash came.
type told struct {
	topics  []string
	cluster string
	term    uint64
}

// crashPoint is a disk after a power loss, and what it owes.
type crashPoint struct {
	op string
	fs *vfs.Mem
	told
}

// recorder takes a crash clone before every operation that changes the disk.
type recorder struct {
	mem *vfs.Mem
	rng *rand.Rand

	mu     sync.Mutex
	told   told
	points []crashPoint
}

func (r *recorder) before(op vfs.Op) error {
	if !op.Kind.Changes() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	owed := r.told
	owed.topics = owed.topics[:len(owed.topics):len(owed.topics)]
	name := fmt.Sprintf("%s %s (%d)", op.Kind, op.Name, len(r.points))
	r.points = append(r.points,
		crashPoint{name + ", all lost", r.mem.Crash(), owed},
		crashPoint{name + ", some lost", r.mem.CrashClone(r.rng, vfs.CrashOptions{NameLoss: 0.5, DataLoss: 0.5}), owed})
	return nil
}

func (r *recorder) note(n *node, topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told.cluster, r.told.term = n.Image().ClusterID, n.Status().Term
	if topic != "" {
		r.told.topics = append(r.told.topics, topic)
	}
}

// Goal: whatever was acknowledged survives a power loss at any moment, and the
// promised term does not go back. Method: a voter works, restarts once and works
// on, with snapshots; before each of its writes, renames, syncs two clones of
// the disk are taken, one without all that was not synced and one without some
// of it. Each clone is started, checked, worked on, crashed and started again.
func TestCrashAtEveryOperationLosesNothing(t *testing.T) {
	for seed := range uint64(3) {
		r := &recorder{mem: vfs.NewMem(), rng: rand.New(rand.NewPCG(seed, 2))}
		limits := SnapshotLimits{Bytes: 1 << 20, Entries: 4, Keep: 1}
		for run := range 2 {
			n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewFaulty(r.mem, r.before), limits: &limits})
			n.register()
			r.note(n, "")
			for i := range 8 {
				name := fmt.Sprintf("run%d-topic%d", run, i)
				n.mustCreate(name)
				r.note(n, name)
			}
			n.end()
		}
		if len(r.points) < 200 {
			t.Fatalf("only %d crash points", len(r.points))
		}
		for i := range r.points {
			checkCrash(t, &r.points[i], limits)
		}
	}
}

func checkCrash(t *testing.T, p *crashPoint, limits SnapshotLimits) {
	t.Helper()
	for again := range 2 {
		n, err := startNode(t, nodeOptions{id: 1, fs: p.fs, limits: &limits})
		if err != nil {
			t.Fatalf("%s, start %d: %v", p.op, again, err)
		}
		if err := n.tryRegister(); err != nil {
			t.Fatalf("%s, start %d: %v", p.op, again, err)
		}
		image := n.Image()
		for _, name := range p.topics {
			if image.Topics.ByName(name) == nil {
				t.Fatalf("%s: topic %s was acknowledged and is gone", p.op, name)
			}
		}
		if p.cluster != "" && image.ClusterID != p.cluster {
			t.Fatalf("%s: cluster %q became %q", p.op, p.cluster, image.ClusterID)
		}
		if term := n.Status().Term; term <= p.term {
			t.Fatalf("%s: elected in term %d, after %d", p.op, term, p.term)
		}
		name := fmt.Sprintf("after-crash-%d", again)
		if err := n.create(name); err != nil {
			t.Fatalf("%s: %v", p.op, err)
		}
		n.check()
		p.topics, p.cluster, p.term = append(p.topics, name), image.ClusterID, n.Status().Term
		crashed := p.fs.Crash()
		n.end()
		p.fs = crashed
	}
}

// Goal: a write or sync that fails is final, and what it was for is not
// acknowledged. Method: each operation of a short run fails once.
func TestAFailedOperationIsFinal(t *testing.T) {
	broken := errors.New("input/output error")
	for failAt := 1; ; failAt++ {
		mem, count, kind := vfs.NewMem(), 0, vfs.OpKind("")
		var mu sync.Mutex
		fs := vfs.NewFaulty(mem, func(op vfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.Changes() {
				if count++; count == failAt {
					kind = op.Kind
					return broken
				}
			}
			return nil
		})
		acknowledged, failed := failingRun(t, fs)
		mu.Lock()
		reached := kind != ""
		mu.Unlock()
		if !reached {
			break
		}
		if !failed && kind != vfs.OpRemoveAll { // of what was renamed away before; the disk removes it in its own time
			t.Errorf("operation %d (%s) failed, and nobody noticed", failAt, kind)
		}
		checkCrash(t, &crashPoint{op: fmt.Sprintf("failed %s (%d)", kind, failAt), fs: mem.Crash(), told: told{topics: acknowledged}},
			DefaultSnapshotLimits())
	}
}

func failingRun(t *testing.T, fs vfs.FS) (acknowledged []string, failed bool) {
	n, err := startNode(t, nodeOptions{id: 1, fs: fs})
	if err != nil {
		return nil, true
	}
	defer n.end()
	if err := n.tryRegister(); err != nil {
		return nil, true
	}
	for i := range 3 {
		name := fmt.Sprintf("t%d", i)
		if err := n.create(name); err != nil {
			if !errors.Is(err, ErrStopped) {
				t.Errorf("create: %v", err)
			}
			return acknowledged, true
		}
		acknowledged = append(acknowledged, name)
	}
	n.end()
	return acknowledged, n.closed != nil
}

// Goal: bytes that have rotted stop the start with a sentence that names the
// file. Method: one byte of each file is flipped, in the middle.
func TestRottenFilesStopTheStart(t *testing.T) {
	mem := vfs.NewMem()
	n := mustStart(t, nodeOptions{id: 1, fs: mem})
	n.register()
	n.end()
	for _, name := range []string{stateFile, snapshotName(bootstrapIndex, bootstrapTerm)} {
		clone := mem.Clone()
		path := logDir(dataDir) + "/" + name
		f, err := clone.OpenReadWrite(path)
		if err != nil {
			t.Fatal(err)
		}
		size, _ := f.Size()
		b := make([]byte, 1)
		_, _ = f.ReadAt(b, size/2)
		b[0] ^= 1
		if _, err := f.WriteAt(b, size/2); err != nil {
			t.Fatal(err)
		}
		_, err = startNode(t, nodeOptions{id: 1, fs: clone})
		if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		removed := mem.Clone()
		if err := removed.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err = startNode(t, nodeOptions{id: 1, fs: removed})
		if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) {
			t.Errorf("%s removed: %v", name, err)
		}
	}
}

// Goal: a crash in the middle of taking the leader's snapshot, when its file is
// there and the log is still the old one, is mended by the next start. Method:
// the file is put there by hand.
func TestALogThatDoesNotReachItsSnapshotStartsOver(t *testing.T) {
	f := func(index, term uint64, wantOld bool) {
		t.Helper()
		fs := vfs.NewMem()
		n := mustStart(t, nodeOptions{id: 1, fs: fs})
		for size := range 4 {
			if _, err := n.submit(bulk{size + 1}); err != nil {
				t.Fatal(err)
			}
		}
		n.end()
		image, err := meta.Build(&meta.VersionRecord{Version: 1}, &meta.ClusterRecord{ID: "c"})
		if err != nil {
			t.Fatal(err)
		}
		image.Index = index
		if err := writeSnapshot(fs, logDir(dataDir), &snapshot{
			index: index, term: term, conf: &raftpb.ConfState{Voters: []uint64{2}}, data: meta.EncodeSnapshot(image),
		}); err != nil {
			t.Fatal(err)
		}
		leftover := logDir(dataDir) + "/" + snapshotName(index+1, term) + ".tmp"
		if _, err := fs.Create(leftover); err != nil {
			t.Fatal(err)
		}
		n = mustStart(t, nodeOptions{id: 1, fs: fs})
		if n.store.base != index || (n.store.log.start() != index+1) != wantOld {
			t.Errorf("snapshot %d of term %d: base %d, log [%d, %d)", index, term, n.store.base, n.store.log.start(), n.store.log.end())
		}
		if _, err := fs.Stat(leftover); err == nil {
			t.Error("an unfinished snapshot is still there")
		}
		if _, err := n.submit(controller.InitCluster{}); err != nil {
			t.Fatal(err)
		}
		old := n.Image().Configs.Of(meta.Resource{Type: meta.GroupResource, Name: "g"}) != nil
		if n.Image().ClusterID != "c" || old != wantOld {
			t.Errorf("snapshot %d of term %d: cluster %q, old entries there: %v", index, term, n.Image().ClusterID, old)
		}
		n.end()
	}
	f(100, 9, false) // the log ends before it
	f(5, 9, false)   // the log has another entry there
	f(5, 2, true)    // the log has that entry: what follows it stays
}

func TestStateSurvivesItsBytes(t *testing.T) {
	b := encodeState(hardState(3, 4, 5))
	hs, err := decodeState(b)
	if err != nil || hs.GetTerm() != 3 || hs.GetVote() != 4 || hs.GetCommit() != 5 || len(b) != stateSize {
		t.Fatalf("%v, %v", hs, err)
	}
}

func TestEntriesSurviveTheirBytes(t *testing.T) {
	records := []meta.Record{&meta.ClusterRecord{ID: "c"}, &meta.ProducerIDsRecord{Next: 4, Node: 1}}
	commands, got, err := decodeEntry(appendEntry([]string{"A", "Bc"}, meta.AppendRecords(nil, records, meta.Newest)))
	if err != nil || fmt.Sprint(commands) != "[A Bc]" || len(got) != 2 {
		t.Fatalf("%v, %v, %v", commands, got, err)
	}
	if commands, got, err := decodeEntry(nil); commands != nil || got != nil || err != nil {
		t.Fatalf("empty entry: %v, %v, %v", commands, got, err)
	}
}

func TestSnapshotNames(t *testing.T) {
	f := func(name string, index uint64, ok bool) {
		t.Helper()
		if got, is := snapshotIndex(name); got != index && ok || is != ok {
			t.Errorf("%q: %d, %v", name, got, is)
		}
	}
	f(snapshotName(12, 3), 12, true)
	f(snapshotName(1<<40, 1<<30), 1<<40, true)
	f("12-3.checkpoint", 0, false)
	f(snapshotName(12, 3)+".tmp", 0, false)
	f("00000000000000000012.snapshot", 0, false)
	f("x.checkpoint", 0, false)
}

func FuzzDecodeState(f *testing.F) {
	f.Add(encodeState(hardState(1, 2, 3)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if hs, err := decodeState(b); err == nil && string(encodeState(hs)) != string(b) {
			t.Fatalf("%x is not its own encoding", b)
		}
	})
}

func FuzzDecodeSnapshotFile(f *testing.F) {
	s := &snapshot{index: 9, term: 2, conf: &raftpb.ConfState{Voters: []uint64{1, 2}, Learners: []uint64{3}, AutoLeave: new(true)}, data: []byte("data")}
	f.Add(encodeSnapshot(s))
	f.Fuzz(func(t *testing.T, b []byte) {
		// With the checksum mended, so that the rest is reached.
		if len(b) > 4 {
			b = appendChecksum(b[: len(b)-4 : len(b)-4])
		}
		s, err := decodeSnapshot(b)
		if err != nil {
			return
		}
		again, err := decodeSnapshot(encodeSnapshot(s))
		if err != nil || again.index != s.index || string(again.data) != string(s.data) || again.conf.Equivalent(s.conf) != nil {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(appendEntry([]string{"CreateTopics"}, meta.AppendRecords(nil, []meta.Record{&meta.ClusterRecord{ID: "c"}}, meta.Newest)))
	f.Fuzz(func(t *testing.T, b []byte) {
		commands, records, err := decodeEntry(b)
		if err != nil || len(b) == 0 {
			return
		}
		if _, _, err := decodeEntry(appendEntry(commands, meta.AppendRecords(nil, records, meta.Newest))); err != nil {
			t.Fatal(err)
		}
	})
}

// Goal: the log gives the same image every time. Method: random commands, with
// snapshots at random lengths; the image after a restart equals the one before.
func TestReplayGivesTheSameImage(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 3))
		limits := SnapshotLimits{Bytes: 1 << 20, Entries: 3 + rng.IntN(30)}
		fs := vfs.NewMem()
		n := mustStart(t, nodeOptions{id: 1, fs: fs, limits: &limits})
		n.register()
		for range 60 {
			if _, err := n.submit(randomCommand(rng, n)); err != nil {
				t.Fatal(err)
			}
		}
		before := *n.Image()
		n.check()
		n.end()
		n = mustStart(t, nodeOptions{id: 1, fs: fs, limits: &limits})
		if _, err := n.submit(controller.InitCluster{}); err != nil {
			t.Fatal(err)
		}
		after := *n.Image()
		after.Index = before.Index
		if string(meta.EncodeSnapshot(&before)) != string(meta.EncodeSnapshot(&after)) {
			t.Fatalf("seed %d: the images differ", seed)
		}
	}
}

func randomCommand(rng *rand.Rand, n *node) controller.Command {
	name := fmt.Sprintf("topic%d", rng.IntN(8))
	switch rng.IntN(6) {
	case 0, 1:
		return controller.CreateTopics{Topics: []controller.CreateTopic{{Name: name, Partitions: int32(1 + rng.IntN(4)), ReplicationFactor: 1}}}
	case 2:
		return controller.DeleteTopics{Topics: []controller.DeleteTopic{{Name: name}}}
	case 3:
		return controller.CreatePartitions{Topics: []controller.GrowTopic{{Name: name, Count: int32(1 + rng.IntN(9))}}}
	case 4:
		value := fmt.Sprint(1 + rng.IntN(1000))
		return controller.AlterConfigs{Resources: []controller.AlterResource{{
			Resource: meta.Resource{Type: meta.TopicResource, Name: name},
			Ops:      []controller.ConfigOp{{Name: "retention.ms", Op: controller.ConfigOpType(rng.IntN(2)), Value: &value}},
		}}}
	}
	return controller.AllocateProducerIDs{Node: 1, Epoch: n.Image().Brokers.ByID(model.NodeID(1)).Epoch}
}
