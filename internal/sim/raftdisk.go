package sim

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// raftDisk is a node's metadata log, vote and snapshot: quorum.Store with the
// contract of the real one. Its methods take effect at once; the device calls them
// when the operation that they are part of completes, and crash does what a crash
// in the midst of one may leave.
type raftDisk struct {
	state   *quorum.HardState
	snap    *quorum.Snapshot
	first   uint64 // index of entries[0]
	base    uint64 // term of the entry before
	entries []*quorum.Entry
}

var _ quorum.Store = (*raftDisk)(nil)

func newRaftDisk(voters []model.NodeID) raftDisk {
	state, snap := quorum.Bootstrap(voters)
	return raftDisk{
		state: state, snap: snap,
		first: snap.GetMetadata().GetIndex() + 1, base: snap.GetMetadata().GetTerm(),
	}
}

// reopened is the state as a start of the process finds it: the commit index is a
// hint, bounded by what is there.
func (d *raftDisk) reopened() {
	index, last := d.snap.GetMetadata().GetIndex(), d.last()
	commit := min(max(d.state.GetCommit(), index), last)
	term, vote := max(d.state.GetTerm(), d.snap.GetMetadata().GetTerm()), d.state.GetVote()
	if term > 0 {
		d.state = &quorum.HardState{Term: &term, Vote: &vote, Commit: &commit}
	}
}

func (d *raftDisk) last() uint64 { return d.first + uint64(len(d.entries)) - 1 }

// InitialState implements raft.Storage.
func (d *raftDisk) InitialState() (*quorum.HardState, *quorum.ConfState, error) {
	return d.state, d.snap.GetMetadata().GetConfState(), nil
}

// FirstIndex implements raft.Storage.
func (d *raftDisk) FirstIndex() (uint64, error) { return d.first, nil }

// LastIndex implements raft.Storage.
func (d *raftDisk) LastIndex() (uint64, error) { return d.last(), nil }

// Term implements raft.Storage.
func (d *raftDisk) Term(i uint64) (uint64, error) {
	switch {
	case i+1 == d.first:
		return d.base, nil
	case i < d.first:
		return 0, quorum.ErrCompacted
	case i > d.last():
		return 0, quorum.ErrUnavailable
	}
	return d.entries[i-d.first].GetTerm(), nil
}

// Entries implements raft.Storage.
func (d *raftDisk) Entries(lo, hi, bytesMax uint64) ([]*quorum.Entry, error) {
	switch {
	case lo < d.first:
		return nil, quorum.ErrCompacted
	case hi > d.last()+1:
		return nil, quorum.ErrUnavailable
	}
	found := d.entries[lo-d.first : hi-d.first]
	size := uint64(0)
	for i, e := range found {
		size += uint64(len(e.GetData()))
		if i > 0 && size > bytesMax {
			return slices.Clone(found[:i]), nil
		}
	}
	return slices.Clone(found), nil
}

// Snapshot implements raft.Storage.
func (d *raftDisk) Snapshot() (*quorum.Snapshot, error) { return d.snap, nil }

// SaveState implements quorum.Store.
func (d *raftDisk) SaveState(state *quorum.HardState) error {
	d.state = state
	return nil
}

// Install implements quorum.Store.
func (d *raftDisk) Install(snap *quorum.Snapshot) error {
	d.snap, d.entries = snap, nil
	d.first, d.base = snap.GetMetadata().GetIndex()+1, snap.GetMetadata().GetTerm()
	return nil
}

// Append implements quorum.Store.
func (d *raftDisk) Append(_ context.Context, entries []*quorum.Entry) error {
	keep := entries[0].GetIndex() - d.first
	d.entries = append(d.entries[:keep:keep], entries...)
	return nil
}

// SaveSnapshot implements quorum.Store.
func (d *raftDisk) SaveSnapshot(snap *quorum.Snapshot) error {
	if snap.GetMetadata().GetIndex() > d.snap.GetMetadata().GetIndex() {
		d.snap = snap
	}
	return nil
}

// Compact implements quorum.Store.
func (d *raftDisk) Compact(snap *quorum.Snapshot, keep uint64) error {
	index := snap.GetMetadata().GetIndex()
	if index < d.snap.GetMetadata().GetIndex() {
		return nil
	}
	first := index - min(keep, index) + 1
	if first <= d.first {
		return nil
	}
	term, err := d.Term(first - 1)
	if err != nil {
		return err
	}
	d.entries = slices.Clone(d.entries[first-d.first:])
	d.first, d.base = first, term
	return nil
}

// halfDone does what a crash in the midst of a step may leave.
func (d *raftDisk) halfDone(s *quorum.Step, rng *rand.Rand) {
	switch s.Kind {
	case quorum.SaveState, quorum.InstallSnapshot:
		if rng.IntN(2) == 0 {
			_ = s.Perform(context.Background(), d, nil) // cannot fail
		}
	case quorum.AppendEntries:
		n := rng.IntN(len(s.Entries) + 1)
		if n == 0 {
			if rng.IntN(2) == 0 { // being cut off, and nothing written yet
				keep := int(s.Entries[0].GetIndex() - d.first)
				d.entries = d.entries[:keep+rng.IntN(len(d.entries)-keep+1)]
			}
			return
		}
		_ = d.Append(context.Background(), s.Entries[:n]) // cannot fail
	case quorum.SendMessages:
	}
}
