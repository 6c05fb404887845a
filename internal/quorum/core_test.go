package quorum

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// coreScene is a core of three voters, 1, 2 and 3 in raft, on a storage in
// memory; the test plays the other two.
type coreScene struct {
	t  *testing.T
	c  *core
	ms *raft.MemoryStorage
}

func newCoreScene(t *testing.T) *coreScene {
	t.Helper()
	ms := raft.NewMemoryStorage()
	snap := &snapshot{index: 1, term: 1, conf: &raftpb.ConfState{Voters: []uint64{1, 2, 3}}}
	if err := ms.ApplySnapshot(snap.raft()); err != nil {
		t.Fatal(err)
	}
	if err := ms.SetHardState(hardState(1, 0, 1)); err != nil {
		t.Fatal(err)
	}
	c, err := newCore(coreOptions{id: 1, storage: ms, image: &meta.Image{Index: 1}, logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &coreScene{t: t, c: c, ms: ms}
}

// settle plays the shell.
func (s *coreScene) settle() (sent []*raftpb.Message, replies []reply) {
	s.t.Helper()
	for {
		rd, ok, err := s.c.ready()
		if err != nil {
			s.t.Fatal(err)
		}
		if !ok {
			return sent, replies
		}
		if !raft.IsEmptyHardState(rd.HardState) {
			_ = s.ms.SetHardState(rd.HardState) // never fails
		}
		if err := s.ms.Append(rd.Entries); err != nil {
			s.t.Fatal(err)
		}
		if len(rd.Entries) > 0 {
			s.c.stored(rd.Entries)
		}
		sent = append(sent, rd.Messages...)
		more, err := s.c.advance(rd)
		if err != nil {
			s.t.Fatal(err)
		}
		replies = append(replies, more...)
	}
}

func (s *coreScene) last() uint64 {
	last, _ := s.ms.LastIndex() // never fails
	return last
}

func (s *coreScene) step(m *raftpb.Message) ([]*raftpb.Message, []reply) {
	s.t.Helper()
	m.To = new(uint64(1))
	if err := s.c.node.Step(m); err != nil {
		s.t.Fatal(err)
	}
	return s.settle()
}

func (s *coreScene) elect() {
	s.t.Helper()
	if err := s.c.node.Campaign(); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	s.step(&raftpb.Message{Type: raftpb.MsgPreVoteResp.Enum(), From: new(uint64(2)), Term: new(s.c.term + 1)})
	s.step(&raftpb.Message{Type: raftpb.MsgVoteResp.Enum(), From: new(uint64(2)), Term: new(s.c.term)})
	if !s.c.leads() {
		s.t.Fatalf("role is %s", roleName(s.c.role))
	}
}

func (s *coreScene) acknowledge() []reply {
	_, replies := s.step(&raftpb.Message{Type: raftpb.MsgAppResp.Enum(), From: new(uint64(2)), Term: new(s.c.term), Index: new(s.last())})
	return replies
}

func (s *coreScene) decide(command controller.Command) []reply {
	r := &request{ctx: context.Background(), command: command, done: make(chan answer, 1)}
	ready, _ := s.c.decide([]*request{r}, controller.Env{Index: s.last() + 1})
	return ready
}

// A leader's image may lack entries of earlier leaders until the first entry of
// its own term is committed.
func TestANewLeaderDecidesOnlyOnAllThatCameBefore(t *testing.T) {
	s := newCoreScene(t)
	s.elect()
	if s.c.canDecide(s.last()) {
		t.Fatal("it may decide before an entry of its term is committed")
	}
	s.acknowledge()
	if !s.c.canDecide(s.last()) {
		t.Fatal("it may not decide")
	}
	if ready := s.decide(controller.InitCluster{ID: "c"}); len(ready) != 0 {
		t.Fatalf("answered before it was committed: %v", ready)
	}
	s.settle()
	if s.c.canDecide(s.last()) || s.c.image.ClusterID != "" {
		t.Fatal("it may decide while an entry is on its way, or has applied it")
	}
	replies := s.acknowledge()
	if len(replies) != 1 || replies[0].err != nil || s.c.image.ClusterID != "c" {
		t.Fatalf("replies %v, cluster %q", replies, s.c.image.ClusterID)
	}
}

func TestASnapshotInPlaceOfTheEntryLeavesItsOutcomeOpen(t *testing.T) {
	s := newCoreScene(t)
	s.elect()
	s.acknowledge()
	s.decide(controller.InitCluster{ID: "c"})
	s.settle()
	image := &meta.Image{Index: s.last() + 10}
	snap := &snapshot{index: image.Index, term: s.c.term + 1, conf: s.c.conf, data: meta.EncodeSnapshot(image)}
	m := &raftpb.Message{Type: raftpb.MsgSnap.Enum(), From: new(uint64(2)), Term: new(snap.term), Snapshot: snap.raft()}
	m.To = new(uint64(1))
	if err := s.c.node.Step(m); err != nil {
		t.Fatal(err)
	}
	rd, ok, err := s.c.ready()
	if !ok || err != nil || s.c.incoming == nil {
		t.Fatal(ok, err)
	}
	if err := s.ms.ApplySnapshot(rd.Snapshot); err != nil {
		t.Fatal(err)
	}
	replies, err := s.c.advance(rd)
	if err != nil || len(replies) != 1 || !errors.Is(replies[0].err, ErrOutcomeUnknown) {
		t.Fatalf("%v, %v", replies, err)
	}
	if s.c.image.Index != image.Index || s.c.applied != image.Index || s.c.leaderNode() != model.NodeID(1) {
		t.Fatalf("image %d, applied %d, leader %d", s.c.image.Index, s.c.applied, s.c.leaderNode())
	}
}

func TestWhatCannotBeReadIsNotTaken(t *testing.T) {
	s := newCoreScene(t)
	snap := &snapshot{index: 9, term: 2, conf: s.c.conf, data: []byte{99}}
	err := s.c.node.Step(&raftpb.Message{Type: raftpb.MsgSnap.Enum(), To: new(uint64(1)), From: new(uint64(2)), Term: new(uint64(2)), Snapshot: snap.raft()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.c.ready(); !errors.Is(err, meta.ErrCorrupt) {
		t.Fatalf("a snapshot that cannot be read: %v", err)
	}
	for name, e := range map[string]*raftpb.Entry{
		"format":                  {Index: new(uint64(2)), Data: []byte{7}},
		"a later type":            {Index: new(uint64(2)), Data: []byte{entryFormat, 0, 99, 1, 0}},
		"change of configuration": {Index: new(uint64(2)), Type: raftpb.EntryConfChange.Enum()},
		"what does not fit":       {Index: new(uint64(2)), Data: appendEntry(nil, meta.AppendRecords(nil, []meta.Record{&meta.RemoveTopicRecord{}}))},
	} {
		if err := s.c.apply(e); err == nil {
			t.Errorf("%s: applied", name)
		}
	}
	if s.c.image.Index != 1 {
		t.Fatalf("image is of %d", s.c.image.Index)
	}
}
