package quorum

import (
	"context"
	"fmt"
	"path/filepath"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/vfs"
)

const (
	// readBytesMax is how much of the log is read at a time.
	readBytesMax = 1 << 20
	// tailBytesMax bounds the newest entries, which are kept in memory too:
	// every entry is read once right after it was written, when it is committed,
	// and again for each follower.
	tailBytesMax = 1 << 20
)

// store is the Store on a file system: promise, snapshot and log. Only the loop's
// goroutine uses it, but for writing snapshots of our own.
//
// Invariants: the log holds [base+1, end), and base ≤ snapshot.index < end or
// base = snapshot.index = end-1. tail ends where the log ends.
type store struct {
	fs  vfs.FS
	dir string // of the log
	log entryLog

	state *raftpb.HardState
	// newest is the newest snapshot, without its data.
	newest snapshot
	// base is the last entry that the log no longer has, or need not have.
	base, baseTerm uint64
	tail           []*raftpb.Entry
	tailBytes      int

	// err is why reading for raft has failed; raft has panicked then.
	err error
}

// lastIndex is the index of the last entry that is durable.
func (s *store) lastIndex() uint64 { return s.log.end() - 1 }

// InitialState implements raft.Storage.
func (s *store) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return s.state, s.newest.conf, nil
}

// FirstIndex implements raft.Storage.
func (s *store) FirstIndex() (uint64, error) { return s.base + 1, nil }

// LastIndex implements raft.Storage.
func (s *store) LastIndex() (uint64, error) { return s.lastIndex(), nil }

// Term implements raft.Storage.
func (s *store) Term(index uint64) (uint64, error) {
	switch {
	case index < s.base:
		return 0, raft.ErrCompacted
	case index == s.base:
		return s.baseTerm, nil
	case index > s.lastIndex():
		return 0, raft.ErrUnavailable
	}
	term, err := s.log.term(index)
	return term, s.note(err)
}

// Entries implements raft.Storage.
func (s *store) Entries(lo, hi, bytesMax uint64) ([]*raftpb.Entry, error) {
	switch {
	case lo <= s.base:
		return nil, raft.ErrCompacted
	case hi > s.log.end():
		return nil, raft.ErrUnavailable
	case lo >= hi:
		return nil, nil
	}
	entries, err := s.entries(lo, hi, int(min(bytesMax, readBytesMax)))
	if err != nil {
		return nil, s.note(err)
	}
	return entries[:fitting(entries, bytesMax)], nil
}

func (s *store) entries(lo, hi uint64, bytesMax int) ([]*raftpb.Entry, error) {
	if len(s.tail) > 0 {
		if first := s.tail[0].GetIndex(); lo >= first {
			return append([]*raftpb.Entry(nil), s.tail[lo-first:hi-first]...), nil
		}
	}
	return s.log.read(lo, hi, bytesMax)
}

// fitting is how many of the entries fit into bytesMax; at least one.
func fitting(entries []*raftpb.Entry, bytesMax uint64) int {
	var sum uint64
	for i, e := range entries {
		sum += uint64(entryBytes(e))
		if i > 0 && sum > bytesMax {
			return i
		}
	}
	return len(entries)
}

// entryBytes is about what an entry takes in memory and in a message.
func entryBytes(e *raftpb.Entry) int { return len(e.GetData()) + 64 }

// Snapshot implements raft.Storage.
func (s *store) Snapshot() (*raftpb.Snapshot, error) {
	path := filepath.Join(s.dir, snapshotName(s.newest.index, s.newest.term))
	snap, err := readSnapshot(s.fs, path)
	if err != nil {
		return nil, s.note(err)
	}
	return snap.raft(), nil
}

func (s *store) note(err error) error {
	if err != nil && s.err == nil {
		s.err = err
	}
	return err
}

// SaveState implements Store.
func (s *store) SaveState(hs *raftpb.HardState) error {
	if err := writeState(s.fs, s.dir, hs); err != nil {
		return fmt.Errorf("save the promised term %d: %w", hs.GetTerm(), err)
	}
	s.state = hs
	return nil
}

// Install implements Store: the snapshot's file first, then the log starts over
// behind it. After a crash between the two, opening finds a log that ends before
// the snapshot, or does not agree with it, and starts it over.
func (s *store) Install(from *raftpb.Snapshot) error {
	if err := s.SaveSnapshot(from); err != nil {
		return err
	}
	snap := snapshotOf(from)
	if err := s.log.startOver(snap.index + 1); err != nil {
		return err
	}
	s.tail, s.tailBytes = nil, 0
	s.base, s.baseTerm = snap.index, snap.term
	s.noteSnapshot(snap)
	return s.removeOldSnapshots()
}

// Append implements Store: what the entries replace is cut off durably before
// they are written.
func (s *store) Append(ctx context.Context, entries []*raftpb.Entry) error {
	first := entries[0].GetIndex()
	if first < s.log.end() {
		if err := s.log.truncateTo(first); err != nil {
			return err
		}
		s.cutTail(first)
	}
	if err := s.log.append(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		s.tail = append(s.tail, e)
		s.tailBytes += entryBytes(e)
	}
	drop := 0
	for s.tailBytes > tailBytesMax && drop < len(s.tail)-1 {
		s.tailBytes -= entryBytes(s.tail[drop])
		drop++
	}
	if drop > 0 {
		s.tail = append([]*raftpb.Entry(nil), s.tail[drop:]...)
	}
	return nil
}

func (s *store) cutTail(end uint64) {
	for len(s.tail) > 0 && s.tail[len(s.tail)-1].GetIndex() >= end {
		s.tailBytes -= entryBytes(s.tail[len(s.tail)-1])
		s.tail = s.tail[:len(s.tail)-1]
	}
}

// SaveSnapshot implements Store. It uses nothing of s that changes.
func (s *store) SaveSnapshot(from *raftpb.Snapshot) error {
	snap := snapshotOf(from)
	if err := writeSnapshot(s.fs, s.dir, snap); err != nil {
		return fmt.Errorf("save metadata snapshot %d: %w", snap.index, err)
	}
	return nil
}

func (s *store) noteSnapshot(snap *snapshot) {
	s.newest = snapshot{index: snap.index, term: snap.term, conf: snap.conf}
}

// Compact implements Store.
func (s *store) Compact(from *raftpb.Snapshot, keep uint64) error {
	snap := snapshotOf(from)
	if snap.index <= s.newest.index { // one from the leader came between
		return s.removeOldSnapshots()
	}
	if base := snap.index - min(keep, snap.index); base > s.base {
		term, err := s.log.term(base)
		if err != nil {
			return err
		}
		s.base, s.baseTerm = base, term
		if err := s.log.dropBefore(base + 1); err != nil {
			return err
		}
	}
	s.noteSnapshot(snap)
	return s.removeOldSnapshots()
}

// removeOldSnapshots leaves the newest.
func (s *store) removeOldSnapshots() error {
	names, err := listSnapshots(s.fs, s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if index, _ := snapshotIndex(name); index >= s.newest.index {
			continue
		}
		if err := s.fs.Remove(filepath.Join(s.dir, name)); err != nil {
			return fmt.Errorf("remove old metadata snapshot: %w", err)
		}
	}
	return nil
}
