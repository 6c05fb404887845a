package quorum

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/wire"
)

// scene is a machine of three voters, 1, 2 and 3 in raft, on a storage in memory;
// the test plays the other two.
type scene struct {
	t  *testing.T
	m  *Machine
	ms *memoryStore
}

func newScene(t *testing.T) *scene {
	t.Helper()
	ms := newMemoryStore(0, 1, 2)
	m, err := NewMachine(MachineOptions{Storage: ms, Image: &meta.Image{Index: 1}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &scene{t: t, m: m, ms: ms}
}

// settle plays the shell.
func (s *scene) settle() (sent []*Message, replies []Reply) {
	s.t.Helper()
	for {
		rd, err := s.m.Ready()
		if err != nil {
			s.t.Fatal(err)
		}
		if rd == nil {
			return sent, replies
		}
		sent = append(sent, s.perform(rd)...)
		more, err := s.m.Advance(rd)
		if err != nil {
			s.t.Fatal(err)
		}
		replies = append(replies, more...)
	}
}

func (s *scene) perform(rd *Ready) (sent []*Message) {
	s.t.Helper()
	for i := range rd.Steps {
		err := rd.Steps[i].Perform(s.t.Context(), s.ms, func(m []*Message) { sent = append(sent, m...) })
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return sent
}

func (s *scene) last() uint64 { return s.ms.last() }

func (s *scene) step(m *raftpb.Message) ([]*raftpb.Message, []Reply) {
	s.t.Helper()
	m.To = new(uint64(1))
	if err := s.m.node.Step(m); err != nil {
		s.t.Fatal(err)
	}
	return s.settle()
}

func (s *scene) elect() {
	s.t.Helper()
	if err := s.m.node.Campaign(); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	s.step(&raftpb.Message{Type: raftpb.MsgPreVoteResp.Enum(), From: new(uint64(2)), Term: new(s.m.term + 1)})
	s.step(&raftpb.Message{Type: raftpb.MsgVoteResp.Enum(), From: new(uint64(2)), Term: new(s.m.term)})
	if !s.m.Leads() {
		s.t.Fatalf("role is %s", roleName(s.m.role))
	}
}

func (s *scene) acknowledge() []Reply {
	_, replies := s.step(&raftpb.Message{Type: raftpb.MsgAppResp.Enum(), From: new(uint64(2)), Term: new(s.m.term), Index: new(s.last())})
	return replies
}

func (s *scene) decide(command controller.Command) []Reply {
	ready, _ := s.m.Decide([]Proposal{{Command: command}}, controller.Env{})
	return ready
}

// A leader's image may lack entries of earlier leaders until the first entry of
// its own term is committed.
func TestANewLeaderDecidesOnlyOnAllThatCameBefore(t *testing.T) {
	s := newScene(t)
	s.elect()
	if s.m.CanDecide() {
		t.Fatal("it may decide before an entry of its term is committed")
	}
	s.acknowledge()
	if !s.m.CanDecide() {
		t.Fatal("it may not decide")
	}
	if ready := s.decide(controller.InitCluster{ID: "c"}); len(ready) != 0 {
		t.Fatalf("answered before it was committed: %v", ready)
	}
	s.settle()
	if s.m.CanDecide() || s.m.image.ClusterID != "" {
		t.Fatal("it may decide while an entry is on its way, or has applied it")
	}
	replies := s.acknowledge()
	if len(replies) != 1 || replies[0].Err != nil || s.m.image.ClusterID != "c" {
		t.Fatalf("replies %v, cluster %q", replies, s.m.image.ClusterID)
	}
}

// later is a command whose record came with the newest version.
type later struct{}

func (later) Name() string { return "Later" }

func (later) Decide(*meta.Image, controller.Env) ([]meta.Record, any, error) {
	return []meta.Record{&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 1, Supports: meta.Supported}}}, nil, nil
}

func TestACommandThatNeedsALaterVersionIsRefused(t *testing.T) {
	s := newScene(t)
	s.elect()
	s.acknowledge()
	ready := s.decide(later{}) // there is no version yet
	refused := new(wire.Error)
	if len(ready) != 1 || !errors.As(ready[0].Err, &refused) || refused.Code != wire.CodeOf(kerr.UnsupportedVersion) ||
		!strings.Contains(refused.Message, "kafka-features upgrade --feature metadata.version=30") {
		t.Fatalf("%+v", ready)
	}
	if !s.m.CanDecide() || s.m.image.Brokers.Len() != 0 {
		t.Fatal("it was carried out")
	}
	s.decide(controller.InitCluster{ID: "c"})
	s.settle()
	s.acknowledge()
	if ready := s.decide(later{}); len(ready) != 0 {
		t.Fatalf("%+v", ready)
	}
}

// What waited for another term is refused in this one, and what waits for this one is
// decided.
func TestACommandOfAnotherTermIsNotDecided(t *testing.T) {
	s := newScene(t)
	s.elect()
	s.acknowledge()
	ready, left := s.m.Decide([]Proposal{
		{Token: "earlier", Command: controller.InitCluster{ID: "a"}, Term: s.m.term - 1},
		{Token: "now", Command: controller.InitCluster{ID: "b"}, Term: s.m.term},
	}, controller.Env{})
	refused := new(NotLeaderError)
	if len(ready) != 1 || len(left) != 0 || ready[0].Token != "earlier" || !errors.As(ready[0].Err, &refused) {
		t.Fatalf("%+v, left %v", ready, left)
	}
	s.settle()
	s.acknowledge()
	if s.m.image.ClusterID != "b" {
		t.Fatalf("cluster %q", s.m.image.ClusterID)
	}
}

func TestASnapshotInPlaceOfTheEntryLeavesItsOutcomeOpen(t *testing.T) {
	s := newScene(t)
	s.elect()
	s.acknowledge()
	s.decide(controller.InitCluster{ID: "c"})
	s.settle()
	image := &meta.Image{Index: s.last() + 10}
	snap := &snapshot{index: image.Index, term: s.m.term + 1, conf: s.m.conf, data: meta.EncodeSnapshot(image)}
	m := &raftpb.Message{Type: raftpb.MsgSnap.Enum(), From: new(uint64(2)), Term: new(snap.term), Snapshot: snap.raft()}
	m.To = new(uint64(1))
	if err := s.m.node.Step(m); err != nil {
		t.Fatal(err)
	}
	_, replies := s.settle()
	if len(replies) != 1 || !errors.Is(replies[0].Err, ErrOutcomeUnknown) {
		t.Fatal(replies)
	}
	if s.m.image.Index != image.Index || s.m.applied != image.Index || s.m.Leader() != 1 {
		t.Fatalf("image %d, applied %d, leader %d", s.m.image.Index, s.m.applied, s.m.Leader())
	}
}

func TestWhatCannotBeReadIsNotTaken(t *testing.T) {
	s := newScene(t)
	snap := &snapshot{index: 9, term: 2, conf: s.m.conf, data: []byte{99}}
	err := s.m.node.Step(&raftpb.Message{Type: raftpb.MsgSnap.Enum(), To: new(uint64(1)), From: new(uint64(2)), Term: new(uint64(2)), Snapshot: snap.raft()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.m.Ready(); !errors.Is(err, meta.ErrCorrupt) {
		t.Fatalf("a snapshot that cannot be read: %v", err)
	}
	for name, e := range map[string]*raftpb.Entry{
		"format":              {Index: new(uint64(2)), Data: []byte{7}},
		"a later type":        {Index: new(uint64(2)), Data: []byte{entryFormat, 0, 99, 1, 0}},
		"change in old words": {Index: new(uint64(2)), Type: raftpb.EntryConfChange.Enum()},
		"change of members":   {Index: new(uint64(2)), Type: raftpb.EntryConfChangeV2.Enum(), Data: []byte{7}},
		"what does not fit":   {Index: new(uint64(2)), Data: appendEntry(nil, meta.AppendRecords(nil, []meta.Record{&meta.RemoveTopicRecord{}}, meta.Newest))},
	} {
		if err := s.m.apply(e); err == nil {
			t.Errorf("%s: applied", name)
		}
	}
	if s.m.image.Index != 1 {
		t.Fatalf("image is of %d", s.m.image.Index)
	}
}
