package quorum

import (
	"context"
	"math/rand/v2"
	"testing"

	"go.etcd.io/raft/v3"

	"github.com/chronik/chronik/internal/model"
)

// memoryStore is a Store in memory. It keeps what was done to it; tear leaves
// what a crash in the middle may.
type memoryStore struct {
	state    *HardState
	snap     *Snapshot
	base     uint64 // the entry before entries
	baseTerm uint64
	entries  []*Entry
}

func newMemoryStore(voters ...model.NodeID) *memoryStore {
	s := &memoryStore{}
	state, snap := Bootstrap(voters)
	s.state = state
	_ = s.Install(snap) // never fails
	return s
}

func (s *memoryStore) last() uint64 { return s.base + uint64(len(s.entries)) }

func (s *memoryStore) InitialState() (*HardState, *ConfState, error) {
	return s.state, s.snap.GetMetadata().GetConfState(), nil
}
func (s *memoryStore) FirstIndex() (uint64, error)   { return s.base + 1, nil }
func (s *memoryStore) LastIndex() (uint64, error)    { return s.last(), nil }
func (s *memoryStore) Snapshot() (*Snapshot, error)  { return s.snap, nil }
func (s *memoryStore) SaveState(hs *HardState) error { s.state = hs; return nil }

func (s *memoryStore) Term(i uint64) (uint64, error) {
	switch {
	case i < s.base:
		return 0, raft.ErrCompacted
	case i == s.base:
		return s.baseTerm, nil
	case i > s.last():
		return 0, raft.ErrUnavailable
	}
	return s.entries[i-s.base-1].GetTerm(), nil
}

func (s *memoryStore) Entries(lo, hi, bytesMax uint64) ([]*Entry, error) {
	switch {
	case lo <= s.base:
		return nil, raft.ErrCompacted
	case hi > s.last()+1:
		return nil, raft.ErrUnavailable
	}
	entries := s.entries[lo-s.base-1 : hi-s.base-1]
	return append([]*Entry(nil), entries[:fitting(entries, bytesMax)]...), nil
}

func (s *memoryStore) Install(snap *Snapshot) error {
	s.snap, s.entries = snap, nil
	s.base, s.baseTerm = snap.GetMetadata().GetIndex(), snap.GetMetadata().GetTerm()
	return nil
}

func (s *memoryStore) Append(_ context.Context, entries []*Entry) error {
	first := entries[0].GetIndex()
	if first > s.last()+1 || first <= s.base {
		panic("entries do not follow")
	}
	s.entries = append(s.entries[:first-s.base-1:first-s.base-1], entries...)
	return nil
}

func (s *memoryStore) SaveSnapshot(snap *Snapshot) error {
	if snap.GetMetadata().GetIndex() > s.snap.GetMetadata().GetIndex() {
		s.snap = snap
	}
	return nil
}

func (s *memoryStore) Compact(snap *Snapshot, keep uint64) error {
	index := snap.GetMetadata().GetIndex()
	if to := index - min(keep, index); to > s.base && index >= s.snap.GetMetadata().GetIndex() {
		term, err := s.Term(to)
		if err != nil {
			return err
		}
		s.entries = append([]*Entry(nil), s.entries[to-s.base:]...)
		s.base, s.baseTerm = to, term
	}
	return nil
}

// tear carries a step out in part.
func (s *memoryStore) tear(step *Step, rng *rand.Rand) {
	switch {
	case step.Kind != AppendEntries:
		if rng.IntN(2) == 0 {
			_ = step.Perform(context.Background(), s, func([]*Message) {}) // never fails
		}
	case rng.IntN(3) == 0: // not a trace
	default:
		cut := rng.IntN(len(step.Entries) + 1)
		s.entries = s.entries[:step.Entries[0].GetIndex()-s.base-1]
		if cut > 0 {
			_ = s.Append(context.Background(), step.Entries[:cut]) // never fails
		}
	}
}

var _ Store = (*memoryStore)(nil)

func TestATornAppendLeavesAPrefix(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[uint64]bool{}
	for range 100 {
		s := newMemoryStore(0)
		entries := []*Entry{{Index: new(uint64(2))}, {Index: new(uint64(3))}}
		s.tear(&Step{Kind: AppendEntries, Entries: entries}, rng)
		seen[s.last()] = true
	}
	if len(seen) != 3 {
		t.Errorf("ends %v", seen)
	}
}
