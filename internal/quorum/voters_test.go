package quorum

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// deliver takes a copy of a message to its node in a few milliseconds, out of
// order at times, or drops it.
func (w *network) deliver(from model.NodeID, m *raftpb.Message) {
	to := NodeOf(m.GetTo())
	copied := proto.Clone(m).(*raftpb.Message)
	w.mu.Lock()
	source := w.nodes[from]
	w.mu.Unlock()
	time.AfterFunc(time.Duration(1+rand.IntN(3))*time.Millisecond, func() {
		w.mu.Lock()
		target := w.nodes[to]
		// What a node said that has crashed since may never have been durable.
		lost := w.cut[from] || w.cut[to] || target == nil || source == nil || source != w.nodes[from]
		if !lost && m.GetType() == raftpb.MsgSnap {
			lost = w.snapsLost > 0
			w.snapsLost = max(0, w.snapsLost-1)
			w.snaps++
		}
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if !lost {
			lost = target.Step(ctx, copied) != nil
		}
		if m.GetType() == raftpb.MsgSnap && source != nil {
			_ = source.ReportSnapshot(ctx, to, !lost)
		}
	})
}

// voters is a cluster of three in one bubble.
type voters struct {
	t      *testing.T
	w      *network
	fs     map[model.NodeID]*vfs.Mem
	limits SnapshotLimits
}

func startVoters(t *testing.T) *voters {
	t.Helper()
	v := &voters{t: t, w: newNetwork(), fs: map[model.NodeID]*vfs.Mem{}, limits: SnapshotLimits{Bytes: 1 << 20, Entries: 10, Keep: 2}}
	for id := range model.NodeID(3) {
		v.fs[id] = vfs.NewMem()
		v.start(id)
	}
	return v
}

func (v *voters) start(id model.NodeID) {
	v.t.Helper()
	v.w.set(id, mustStart(v.t, nodeOptions{
		id: id, voters: []model.NodeID{0, 1, 2}, fs: v.fs[id], transport: port{v.w, id}, limits: &v.limits,
	}))
}

func (v *voters) node(id model.NodeID) *node {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	return v.w.nodes[id]
}

func (v *voters) running() []*node {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	var nodes []*node
	for _, id := range slices.Sorted(maps.Keys(v.w.nodes)) {
		if n := v.w.nodes[id]; n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// stop ends a node; with crash its disk keeps only what was synced.
func (v *voters) stop(id model.NodeID, crash bool) {
	n := v.node(id)
	v.w.set(id, nil) // what it says from now on nobody hears
	if crash {
		v.fs[id] = v.fs[id].Crash()
	}
	n.end()
	n.check()
}

// leader waits until a node that is not isolated leads.
func (v *voters) leader() *node {
	v.t.Helper()
	for range 1000 {
		for _, n := range v.running() {
			if id := n.o.Node; !v.w.cut[id] && n.Status().Leader == id {
				return n
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	v.t.Fatal("nobody leads after 20 seconds")
	return nil
}

// settle waits until all nodes that run have the same image.
func (v *voters) settle() *meta.Image {
	v.t.Helper()
	for range 1000 {
		time.Sleep(20 * time.Millisecond)
		var snapshots []string
		for _, n := range v.running() {
			snapshots = append(snapshots, string(meta.EncodeSnapshot(n.Image())))
		}
		same := true
		for _, s := range snapshots {
			same = same && s == snapshots[0]
		}
		if n := v.leader(); same && n.Status().Commit == n.Image().Index {
			return n.Image()
		}
	}
	v.t.Fatal("the images differ after 20 seconds")
	return nil
}

// submit sends a command to whoever leads, until it is answered.
func (v *voters) submit(command controller.Command) (any, error) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		result, err := v.leader().Submit(ctx, command)
		cancel()
		if not := (*NotLeaderError)(nil); !errors.As(err, &not) {
			return result, err
		}
	}
}

func (v *voters) create(name string) error {
	result, err := v.submit(controller.CreateTopics{Topics: []controller.CreateTopic{{Name: name, Partitions: 2, ReplicationFactor: 1}}})
	if err != nil {
		return err
	}
	if err := result.(controller.CreateTopicsResult).Topics[0].Err; err != nil {
		return err
	}
	return nil
}

func (v *voters) mustCreate(first, end int) {
	v.t.Helper()
	for i := first; i < end; i++ {
		if err := v.create(fmt.Sprintf("t%d", i)); err != nil {
			v.t.Fatal(err)
		}
	}
}

func TestThreeVotersAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		l.register()
		v.mustCreate(0, 5)
		if image := v.settle(); image.Topics.Len() != 5 || image.ClusterID == "" {
			t.Fatalf("%d topics in %q", image.Topics.Len(), image.ClusterID)
		}
		for id := range model.NodeID(3) {
			n := v.node(id)
			if s := n.Status(); s.Leader != l.o.Node || s.Term != l.Status().Term || len(s.Voters) != 3 {
				t.Errorf("node %d: %+v", id, s)
			}
			if n == l {
				continue
			}
			_, err := n.submit(controller.InitCluster{})
			if not := (*NotLeaderError)(nil); !errors.As(err, &not) || not.Leader != l.o.Node {
				t.Errorf("node %d: %v", id, err)
			}
		}
		time.Sleep(time.Second)
		for _, r := range l.Status().Voters {
			if r.LogEnd != model.Offset(l.Status().Commit+1) || time.Since(r.LastCaughtUp.Time()) > time.Second {
				t.Errorf("replica %+v, commit %d", r, l.Status().Commit)
			}
		}
		for id := range model.NodeID(3) {
			v.stop(id, false)
		}
	})
}

func TestAnIsolatedLeadersEntryIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		old := v.leader()
		old.register()
		v.mustCreate(0, 1)
		v.w.isolate(old.o.Node, true)
		lost := make(chan error, 1)
		go func() { lost <- old.create("lost") }()
		synctest.Wait() // it is in the old leader's log now
		next := v.leader()
		if next == old {
			t.Fatal("the isolated node still counts as leader")
		}
		v.mustCreate(1, 3)
		v.w.isolate(old.o.Node, false)
		if not := (*NotLeaderError)(nil); !errors.As(<-lost, &not) {
			t.Fatal("the replaced command did not fail")
		}
		if image := v.settle(); image.Topics.Len() != 3 || image.Topics.ByName("lost") != nil {
			t.Fatalf("%d topics", image.Topics.Len())
		}
		if old.Status().Term != next.Status().Term {
			t.Fatalf("terms %d and %d", old.Status().Term, next.Status().Term)
		}
	})
}

func TestAFollowerCatchesUp(t *testing.T) {
	f := func(topics, wantSnapshots int, crash bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			v := startVoters(t)
			l := v.leader()
			l.register()
			id := (l.o.Node + 1) % 3
			v.mustCreate(0, 2)
			v.settle()
			v.stop(id, crash)
			v.mustCreate(2, topics)
			v.start(id)
			if image := v.settle(); image.Topics.Len() != topics {
				t.Fatalf("%d topics", image.Topics.Len())
			}
			if v.w.snaps < wantSnapshots || wantSnapshots == 0 && v.w.snaps > 0 {
				t.Fatalf("%d snapshots, want %d", v.w.snaps, wantSnapshots)
			}
			v.mustCreate(topics, topics+3)
			v.settle()
			v.stop(id, crash) // it restarts from what it was sent
			v.start(id)
			v.settle()
			v.node(id).check()
		})
	}
	f(4, 0, false)
	f(4, 0, true)
	f(60, 1, false)
	f(60, 1, true)
}

// A snapshot that is lost is sent again, once that is told.
func TestALostSnapshotIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		l.register()
		id := (l.o.Node + 1) % 3
		v.stop(id, false)
		v.mustCreate(0, 40)
		v.w.mu.Lock()
		v.w.snapsLost = 3
		v.w.mu.Unlock()
		v.start(id)
		v.settle()
		if v.w.snapsLost > 0 || v.w.snaps < 4 {
			t.Errorf("%d snapshots, %d still to be lost", v.w.snaps, v.w.snapsLost)
		}
	})
}

func TestAllVotersCrashAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		v.leader().register()
		for round := range 5 {
			v.mustCreate(round*10, round*10+10)
			for id := range model.NodeID(3) {
				v.stop(id, true)
			}
			for id := range model.NodeID(3) {
				v.start(id)
			}
			if image := v.settle(); image.Topics.Len() != round*10+10 {
				t.Fatalf("%d topics after round %d", image.Topics.Len(), round)
			}
		}
	})
}

// Goal: nothing acknowledged is lost, and all agree, whatever fails. Method:
// random crashes, stops and isolations of at most one node at a time, with
// commands all the while.
func TestVotersUnderRandomFaults(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			v := startVoters(t)
			v.leader().register()
			acknowledged := map[string]bool{}
			for i := range 60 {
				id := model.NodeID(rng.IntN(3))
				fault := rng.IntN(6)
				switch fault {
				case 0, 1:
					v.stop(id, fault == 0)
				case 2:
					v.w.isolate(id, true)
				}
				name := fmt.Sprintf("t%d", i)
				if err := v.create(name); err == nil {
					acknowledged[name] = true
				}
				time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
				if fault < 2 {
					v.start(id)
				}
				v.w.isolate(id, false)
			}
			image := v.settle()
			for name := range acknowledged {
				if image.Topics.ByName(name) == nil {
					t.Errorf("seed %d: topic %s was acknowledged and is gone", seed, name)
				}
			}
			if len(acknowledged) < 30 {
				t.Errorf("seed %d: only %d of 60 commands went through", seed, len(acknowledged))
			}
			for id := range model.NodeID(3) {
				v.node(id).check()
			}
		})
	}
}
