// Package storetest holds a quorum.Store to its contract: what it has done
// survives a power loss, and one in the middle of an operation leaves one of the
// states that the contract names. It is for tests, of any Store there is.
package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// Disk is what a store is on.
type Disk interface {
	// Open opens the store on the disk, as a process that starts does.
	Open() (quorum.Store, error)
	// CrashAfter has the power fail at the n-th change of the disk from now on,
	// if it comes to that before Crash. The operation fails then.
	CrashAfter(n int)
	// Crash ends the store, and the disk loses what it may lose. Open follows.
	Crash()
}

// Test does random operations on stores, with crashes between and within them.
// disk makes an empty disk whose store begins with the voters 1 and 2, and whose
// losses follow from the seed.
func Test(t *testing.T, disk func(t *testing.T, seed uint64) Disk) {
	torn := 0
	for seed := range uint64(30) {
		s := &script{t: t, rng: rand.New(rand.NewPCG(seed, 3)), disk: disk(t, seed)}
		s.reopen()
		s.model = s.read()
		for range 60 {
			s.operation()
		}
		torn += s.torn
	}
	if torn < 20 {
		t.Errorf("only %d operations were torn", torn)
	}
}

// content is what a store holds.
type content struct {
	state   *quorum.HardState
	snap    *quorum.Snapshot
	first   uint64 // of entries
	entries []*quorum.Entry
}

func (c *content) last() uint64 { return c.first + uint64(len(c.entries)) - 1 }

func (c *content) entry(index uint64) *quorum.Entry { return c.entries[index-c.first] }

// script is one run.
type script struct {
	t     *testing.T
	rng   *rand.Rand
	disk  Disk
	store quorum.Store
	model content // what the store has to hold
	saved *quorum.Snapshot
	torn  int
}

func (s *script) reopen() {
	s.t.Helper()
	var err error
	if s.store, err = s.disk.Open(); err != nil {
		s.t.Fatalf("open: %v", err)
	}
}

// read reads all that is in the store.
func (s *script) read() content {
	s.t.Helper()
	var c content
	var err error
	var conf *quorum.ConfState
	must := func() {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	c.state, conf, err = s.store.InitialState()
	must()
	c.snap, err = s.store.Snapshot()
	must()
	if !slices.Equal(conf.GetVoters(), c.snap.GetMetadata().GetConfState().GetVoters()) {
		s.t.Fatalf("InitialState tells of voters %v, the snapshot of %v", conf.GetVoters(), c.snap.GetMetadata().GetConfState().GetVoters())
	}
	c.first, err = s.store.FirstIndex()
	must()
	last, err := s.store.LastIndex()
	if err != nil {
		s.t.Fatal(err)
	}
	for next := c.first; next <= last; next = c.last() + 1 {
		var more []*quorum.Entry
		more, err = s.store.Entries(next, last+1, 1<<10)
		must()
		c.entries = append(c.entries, more...)
	}
	for i, e := range c.entries {
		if e.GetIndex() != c.first+uint64(i) {
			s.t.Fatalf("entry %d stands at %d", e.GetIndex(), c.first+uint64(i))
		}
		if term, err := s.store.Term(e.GetIndex()); err != nil || term != e.GetTerm() {
			s.t.Fatalf("term of entry %d is %d (%v), want %d", e.GetIndex(), term, err, e.GetTerm())
		}
	}
	return c
}

// operation is one call, with or without a crash in it or after it.
func (s *script) operation() {
	s.t.Helper()
	op := s.pick()
	if s.rng.IntN(3) == 0 {
		s.disk.CrashAfter(1 + s.rng.IntN(6))
	}
	err := op.do()
	crashed := err != nil
	if crashed || s.rng.IntN(4) == 0 {
		s.disk.Crash()
		s.reopen()
	}
	got := s.read()
	if crashed {
		s.torn++
		if problem := op.torn(got); problem != "" {
			s.t.Fatalf("after a crash in %s: %s\n%s", op.name, problem, s.describe(got))
		}
		s.model = got
		return
	}
	s.disk.CrashAfter(0)
	op.done()
	if problem := s.differs(got, s.model); problem != "" {
		s.t.Fatalf("after %s: %s\n%s", op.name, problem, s.describe(got))
	}
	s.model.first, s.model.entries = got.first, got.entries
}

func (s *script) describe(got content) string {
	tell := func(c content) string {
		return fmt.Sprintf("term %d, vote %d, commit %d, snapshot %d, entries [%d, %d]", c.state.GetTerm(), c.state.GetVote(),
			c.state.GetCommit(), c.snap.GetMetadata().GetIndex(), c.first, c.last())
	}
	return "before: " + tell(s.model) + "\nafter: " + tell(got)
}

// differs says where a store does not hold what it has to; "" for nowhere. It may
// have let go of entries up to its snapshot.
func (s *script) differs(got, want content) string {
	switch {
	case got.state.GetTerm() != want.state.GetTerm() || got.state.GetVote() != want.state.GetVote():
		return "another promise"
	case got.state.GetCommit() > max(want.state.GetCommit(), want.snap.GetMetadata().GetIndex()):
		return "more is committed"
	case !sameSnapshot(got.snap, want.snap):
		return "another snapshot"
	case got.first > want.snap.GetMetadata().GetIndex()+1 || got.first < want.first:
		return "the log begins elsewhere"
	case got.last() != want.last():
		return "the log ends elsewhere"
	}
	for i := got.first; i <= got.last(); i++ {
		if !sameEntry(got.entry(i), want.entry(i)) {
			return fmt.Sprintf("another entry %d", i)
		}
	}
	return ""
}

func sameSnapshot(a, b *quorum.Snapshot) bool {
	return a.GetMetadata().GetIndex() == b.GetMetadata().GetIndex() && a.GetMetadata().GetTerm() == b.GetMetadata().GetTerm() &&
		bytes.Equal(a.GetData(), b.GetData()) &&
		slices.Equal(a.GetMetadata().GetConfState().GetVoters(), b.GetMetadata().GetConfState().GetVoters())
}

func sameEntry(a, b *quorum.Entry) bool {
	return a.GetTerm() == b.GetTerm() && a.GetType() == b.GetType() && bytes.Equal(a.GetData(), b.GetData())
}

// snapshot makes one with an image that can be read.
func (s *script) snapshot(index, term uint64) *quorum.Snapshot {
	_, snap := quorum.Bootstrap([]model.NodeID{1, 2, model.NodeID(s.rng.IntN(5) + 3)})
	snap.Metadata.Index, snap.Metadata.Term = new(index), new(term)
	snap.Data = meta.EncodeSnapshot(&meta.Image{Index: index})
	return snap
}
