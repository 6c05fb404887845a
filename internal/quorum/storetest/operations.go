package storetest

import (
	"context"
	"slices"

	"github.com/chronik/chronik/internal/quorum"
)

// operation is a call: do makes it, done notes in the model what it has to have
// done, and torn holds what a crash within it has left against the contract.
type operation struct {
	name string
	do   func() error
	done func()
	torn func(got content) string
}

// pick picks an operation that fits what the store holds.
func (s *script) pick() operation {
	switch s.rng.IntN(10) {
	case 0, 1:
		return s.saveState()
	case 2:
		return s.install()
	case 3, 4:
		if s.saved != nil {
			return s.compact()
		}
		if s.model.last() > s.model.snap.GetMetadata().GetIndex() {
			return s.saveSnapshot()
		}
	}
	return s.append()
}

// either: the store holds what it held, or what it would.
func (s *script) either(after content) func(content) string {
	return func(got content) string {
		if s.differs(got, s.model) == "" {
			return ""
		}
		return s.differs(got, after)
	}
}

func (s *script) saveState() operation {
	after := s.model
	commit := s.model.snap.GetMetadata().GetIndex()
	commit += uint64(s.rng.IntN(int(s.model.last()-commit) + 1))
	after.state = &quorum.HardState{
		Term: new(s.model.state.GetTerm() + uint64(s.rng.IntN(2))), Vote: new(uint64(s.rng.IntN(4))),
		Commit: new(max(commit, s.model.state.GetCommit())),
	}
	return operation{
		name: "SaveState", do: func() error { return s.store.SaveState(after.state) },
		done: func() { s.model = after }, torn: s.either(after),
	}
}

func (s *script) install() operation {
	after := s.model
	index := s.model.last() + 1 + uint64(s.rng.IntN(5))
	snap := s.snapshot(index, s.model.state.GetTerm())
	after.snap, after.first, after.entries = snap, index+1, nil
	return operation{
		name: "Install", do: func() error { return s.store.Install(snap) },
		done: func() { s.model, s.saved = after, nil }, torn: s.either(after),
	}
}

func (s *script) append() operation {
	// Not below what the hint says is committed.
	lowest := max(s.model.snap.GetMetadata().GetIndex(), s.model.state.GetCommit(), s.model.first-1) + 1
	first := lowest + uint64(s.rng.IntN(int(s.model.last()+2-lowest)))
	if s.rng.IntN(2) == 0 {
		first = s.model.last() + 1
	}
	var entries []*quorum.Entry
	for i := range uint64(1 + s.rng.IntN(4)) {
		data := make([]byte, s.rng.IntN(900))
		for j := range data {
			data[j] = byte(s.rng.Uint32())
		}
		entries = append(entries, &quorum.Entry{Index: new(first + i), Term: new(s.model.state.GetTerm()), Data: data})
	}
	before := s.model
	return operation{
		name: "Append", do: func() error { return s.store.Append(context.Background(), entries) },
		done: func() {
			s.model.entries = append(slices.Clone(before.entries[:first-before.first]), entries...)
		},
		torn: func(got content) string {
			cut := before
			if got.last()+1 < first {
				return "the log ends before the new entries"
			}
			if got.last() <= before.last() {
				cut.entries = before.entries[:got.last()+1-before.first]
				if s.differs(got, cut) == "" {
					return ""
				}
			}
			count := min(uint64(len(entries)), got.last()+1-first)
			cut.entries = append(slices.Clone(before.entries[:first-before.first]), entries[:count]...)
			return s.differs(got, cut)
		},
	}
}

func (s *script) saveSnapshot() operation {
	lowest := s.model.snap.GetMetadata().GetIndex() + 1
	index := lowest + uint64(s.rng.IntN(int(s.model.last()+1-lowest)))
	after := s.model
	after.snap = s.snapshot(index, s.model.entry(index).GetTerm())
	return operation{
		name: "SaveSnapshot, Compact",
		// A running store goes by its old snapshot until it is compacted.
		do: func() error {
			if err := s.store.SaveSnapshot(after.snap); err != nil {
				return err
			}
			return s.store.Compact(after.snap, uint64(s.rng.IntN(6)))
		},
		done: func() { s.model, s.saved = after, after.snap }, torn: s.either(after),
	}
}

// compact is one that comes again, or late.
func (s *script) compact() operation {
	snap := s.saved
	s.saved = nil
	return operation{
		name: "Compact", do: func() error { return s.store.Compact(snap, 0) },
		done: func() {}, torn: s.either(s.model),
	}
}
