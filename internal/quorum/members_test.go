package quorum

import (
	"errors"
	"log/slog"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Goal: a node that has heard of its removal stands in no election. Method: it
// applies the change, and then hears of nobody any more.
func TestARemovedNodeStandsInNoElection(t *testing.T) {
	f := func(removed uint64, want bool) {
		t.Helper()
		s := newScene(t)
		_, data, err := raftpb.MarshalConfChange(&raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{
			{Type: raftpb.ConfChangeRemoveNode.Enum(), NodeId: new(removed)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.step(&Message{
			Type: raftpb.MsgApp.Enum(), From: new(uint64(2)), Term: new(uint64(2)), Index: new(uint64(1)), LogTerm: new(uint64(1)),
			Commit: new(uint64(2)), Entries: []*Entry{{Type: raftpb.EntryConfChangeV2.Enum(), Index: new(uint64(2)), Term: new(uint64(2)), Data: data}},
		})
		for range 10 * electionTicks {
			s.m.Tick()
		}
		if sent, _ := s.settle(); (len(sent) > 0) != want {
			t.Errorf("after the removal of %d it sent %v", removed, sent)
		}
	}
	f(1, false)
	f(3, true)
}

func TestChangesThatAreRefused(t *testing.T) {
	s := newScene(t)
	f := func(change Change, want error) {
		t.Helper()
		if err := s.m.ChangeMembers(nil, change); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", change, err, want)
		}
	}
	if err := s.m.ChangeMembers(nil, Change{Learn: []model.NodeID{7}}); !isNotLeader(err) {
		t.Errorf("a follower: %v", err)
	}
	s.elect()
	f(Change{Learn: []model.NodeID{7}}, ErrChangeUnderWay) // until the term's first entry is committed
	s.acknowledge()
	f(Change{}, ErrMembers)
	f(Change{Learn: []model.NodeID{1}}, ErrMembers)
	f(Change{Learn: []model.NodeID{-1}}, ErrMembers)
	f(Change{Learn: []model.NodeID{7, 7}}, ErrMembers)
	f(Change{Promote: []model.NodeID{7}}, ErrMembers)
	f(Change{Promote: []model.NodeID{1}}, ErrMembers)
	f(Change{Remove: []model.NodeID{7}}, ErrMembers)
	f(Change{Remove: []model.NodeID{0}}, ErrRemoveLeader)
	f(Change{Demote: []model.NodeID{7}}, ErrMembers)
	f(Change{Demote: []model.NodeID{0}}, ErrRemoveLeader)
	f(Change{Demote: []model.NodeID{1}, Remove: []model.NodeID{1}}, ErrMembers)
	f(Change{Learn: []model.NodeID{7}}, nil)
	f(Change{Learn: []model.NodeID{8}}, ErrChangeUnderWay)
	s.settle()
	if replies := s.acknowledge(); len(replies) != 0 {
		t.Errorf("complete before an entry follows: %v", replies)
	}
	f(Change{Learn: []model.NodeID{8}}, ErrChangeUnderWay)
	if replies := s.acknowledge(); len(replies) != 1 || replies[0].Err != nil {
		t.Errorf("replies %v", replies)
	}
	f(Change{Promote: []model.NodeID{7}}, ErrNotCaughtUp)
	f(Change{Promote: []model.NodeID{7}, Remove: []model.NodeID{7}}, ErrNotCaughtUp)
	f(Change{Learn: []model.NodeID{8}, Remove: []model.NodeID{1, 2}}, nil)
	s.settle()
	s.acknowledge()
	if !joint(s.m.conf) {
		t.Fatal("not joint")
	}
	f(Change{Learn: []model.NodeID{9}}, ErrChangeUnderWay)
}

func isNotLeader(err error) bool {
	not := (*NotLeaderError)(nil)
	return errors.As(err, &not)
}

// Goal: a candidate is never more than one change behind, whatever commit index
// it has found on the disk. Method: a log with changes, and the index of long ago.
func TestARestartedNodeKnowsWhatItsLogProves(t *testing.T) {
	learn := func(id uint64) []byte {
		_, data, err := raftpb.MarshalConfChange(&raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{
			{Type: raftpb.ConfChangeAddLearnerNode.Enum(), NodeId: new(id)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	command, change, own, leave := Entry{Data: appendEntry(nil, nil)}, Entry{Data: learn(9)}, Entry{}, Entry{}
	change.Type, leave.Type = raftpb.EntryConfChangeV2.Enum(), raftpb.EntryConfChangeV2.Enum()
	f := func(want uint64, entries ...*Entry) {
		t.Helper()
		s := newMemoryStore(0, 1, 2)
		for i, e := range entries {
			e = &Entry{Type: e.Type, Data: e.Data, Index: new(uint64(i + 2)), Term: new(uint64(1))}
			if err := s.Append(t.Context(), []*Entry{e}); err != nil {
				t.Fatal(err)
			}
		}
		m, err := NewMachine(MachineOptions{Storage: s, Image: &meta.Image{Index: 1}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.node.BasicStatus().GetCommit(); got != want {
			t.Errorf("commit %d of %d entries, want %d", got, len(entries), want)
		}
	}
	f(1)
	f(1, &own)
	f(1, &own, &own)
	f(2, &own, &command)
	f(3, &own, &own, &command, &own)
	f(1, &change)
	f(2, &own, &change)
	f(4, &own, &command, &own, &change, &own)
	f(3, &own, &change, &own, &leave) // own may not be committed
	f(4, &own, &change, &own, &change, &own)
}
