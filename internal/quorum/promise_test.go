package quorum

import (
	"log/slog"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"

	"go.etcd.io/raft/v3/raftpb"
)

// Goal: entries that nobody committed are not taken to be so after a crash.
// Method: a node whose log ends with three such entries hears of a new leader, of
// other entries in their place, and that these are committed, all in one message;
// it crashes when it has saved the term, and opens its store again.
func TestACrashBeforeTheEntriesDoesNotCommitWhatTheyReplace(t *testing.T) {
	d := NewTestDisk(t, 1)
	s, err := d.open(0, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	entries := func(term uint64, count int) (list []*Entry) {
		for i := range uint64(count) {
			list = append(list, &Entry{Index: new(2 + i), Term: new(term)})
		}
		return list
	}
	if err := s.Append(t.Context(), entries(1, 3)); err != nil {
		t.Fatal(err)
	}
	start := func() *Machine {
		t.Helper()
		m, err := NewMachine(MachineOptions{Node: model.NodeID(0), Storage: s, Image: &meta.Image{Index: 1}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := start()
	err = m.Step(&Message{
		Type: raftpb.MsgApp.Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(uint64(5)),
		Index: new(uint64(1)), LogTerm: new(uint64(1)), Commit: new(uint64(6)), Entries: entries(5, 5),
	})
	if err != nil {
		t.Fatal(err)
	}
	rd, err := m.Ready()
	if err != nil || len(rd.Steps) != 3 || rd.Steps[0].Kind != SaveState || rd.Steps[1].Kind != AppendEntries {
		t.Fatalf("%+v, %v", rd, err)
	}
	if err := rd.Steps[0].Perform(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	d.Crash()
	if s, err = d.open(0, 1, 2); err != nil {
		t.Fatal(err)
	}
	m = start()
	if status := m.node.BasicStatus(); status.GetTerm() != 5 || status.GetCommit() != 1 {
		t.Errorf("term %d, commit %d; want 5 and 1", status.GetTerm(), status.GetCommit())
	}
}
