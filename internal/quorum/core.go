package quorum

import (
	"context"
	"fmt"
	"log/slog"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// Raft's clock, in ticks of tickInterval.
const (
	heartbeatTicks = 1
	electionTicks  = 10
)

// Limits of what Raft holds and sends.
const (
	// entryBytesMax bounds one entry, and so one command: creating 50,000
	// partitions takes 3 MB.
	entryBytesMax = 16 << 20
	// messageBytesMax is how many bytes of entries go into one message, unless
	// one alone is larger.
	messageBytesMax = 1 << 20
	inflightMax     = 64
	// uncommittedBytesMax bounds what a leader that has lost its quorum piles up.
	uncommittedBytesMax = 64 << 20
)

// core is Raft, and what must be durable for it. One goroutine at a time.
type core struct {
	fs     vfs.FS
	dir    string
	log    entryLog
	logger *slog.Logger

	raft    *raft.RawNode
	entries *raft.MemoryStorage // what is in log, from the newest snapshot on
	// state is what quorum-state holds.
	state hardState
	// logged counts the bytes of entries since the newest snapshot.
	logged int64
}

// openCore brings back what the directory holds, or begins a cluster of which
// node is the only voter.
func openCore(c *core, node model.NodeID) error {
	state, found, err := readState(c.fs, c.dir)
	if err != nil {
		return err
	}
	snapshot, err := readSnapshot(c.fs, c.dir)
	if err != nil {
		return err
	}
	if !found {
		if snapshot != nil || c.log.log.EndOffset() > 1 {
			return &CorruptError{Path: c.dir, Reason: "it holds a log or snapshots, but no " + stateFile}
		}
		state = hardState{members: &raftpb.ConfState{Voters: []uint64{raftID(node)}}}
		if err := writeState(c.fs, c.dir, state); err != nil {
			return err
		}
		c.logger.Info("Raft cluster initialized", "voters", []model.NodeID{node})
	}
	c.state = state
	c.entries = raft.NewMemoryStorage()
	if err := c.restore(snapshot); err != nil {
		return err
	}
	c.raft, err = raft.NewRawNode(c.raftConfig(node, snapshot.GetMetadata().GetIndex()))
	if err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	return nil
}

// restore fills the storage that Raft reads from.
func (c *core) restore(snapshot *raftpb.Snapshot) error {
	after := snapshot.GetMetadata().GetIndex()
	if uint64(c.log.log.EndOffset()) <= after {
		// A snapshot was written, and the crash came before the log began behind it.
		if err := c.log.beginAt(after + 1); err != nil {
			return err
		}
	}
	// Its image stays on the disk: durableStorage reads it when a follower needs it.
	bare := newSnapshot(after, snapshot.GetMetadata().GetTerm(), c.state.members, nil)
	if err := c.entries.ApplySnapshot(bare); err != nil {
		return fmt.Errorf("restore the snapshot at %d: %w", after, err)
	}
	entries, err := c.log.load(after)
	if err != nil {
		return err
	}
	if err := c.entries.Append(entries); err != nil {
		return fmt.Errorf("restore the metadata log: %w", err)
	}
	for _, e := range entries {
		c.logged += int64(len(e.Data))
	}
	last := after + uint64(len(entries))
	commit := min(max(c.state.commit, after), last)
	if err := c.entries.SetHardState(&raftpb.HardState{Term: &c.state.term, Vote: &c.state.vote, Commit: &commit}); err != nil {
		return fmt.Errorf("restore the raft state: %w", err)
	}
	return nil
}

func (c *core) raftConfig(node model.NodeID, applied uint64) *raft.Config {
	return &raft.Config{
		ID: raftID(node), ElectionTick: electionTicks, HeartbeatTick: heartbeatTicks,
		Storage: &durableStorage{MemoryStorage: c.entries, core: c}, Applied: applied,
		MaxSizePerMsg: messageBytesMax, MaxUncommittedEntriesSize: uncommittedBytesMax, MaxInflightMsgs: inflightMax,
		CheckQuorum: true, PreVote: true, DisableProposalForwarding: true,
		Logger: raftLogger{c.logger},
	}
}

// durableStorage gives Raft what MemoryStorage does not keep: the members as
// quorum-state has them, which may be newer than the newest snapshot, and the
// snapshot's image.
type durableStorage struct {
	*raft.MemoryStorage
	core *core
}

func (s *durableStorage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	state, _, err := s.MemoryStorage.InitialState()
	return state, s.core.state.members, err
}

// Snapshot is for a follower that needs entries which are gone here.
func (s *durableStorage) Snapshot() (*raftpb.Snapshot, error) {
	newest, err := readSnapshot(s.core.fs, s.core.dir)
	if err != nil {
		return nil, err
	}
	if newest == nil {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return newest, nil
}

// onlyVoter reports whether no other node has a say.
func (c *core) onlyVoter() bool {
	m := c.state.members
	return len(m.GetVoters()) == 1 && len(m.GetVotersOutgoing()) == 0
}

// persist makes a step of Raft durable. Its order is the protocol's: see the
// package comment.
func (c *core) persist(ctx context.Context, ready raft.Ready) error {
	if !raft.IsEmptySnap(ready.Snapshot) {
		if err := c.install(ready.Snapshot); err != nil {
			return err
		}
	}
	if err := c.persistState(ready.HardState, ready.MustSync); err != nil {
		return err
	}
	if err := c.log.append(ctx, ready.Entries); err != nil {
		return err
	}
	for _, e := range ready.Entries {
		c.logged += int64(len(e.Data))
	}
	if err := c.entries.Append(ready.Entries); err != nil {
		return fmt.Errorf("keep raft entries: %w", err)
	}
	return nil
}

// persistState writes term and vote where they have changed. The commit index
// alone is not worth a sync: Raft finds it out again.
func (c *core) persistState(s *raftpb.HardState, mustSync bool) error {
	if raft.IsEmptyHardState(s) {
		return nil
	}
	if err := c.entries.SetHardState(s); err != nil {
		return fmt.Errorf("keep the raft state: %w", err)
	}
	changed := s.GetTerm() != c.state.term || s.GetVote() != c.state.vote
	c.state.term, c.state.vote, c.state.commit = s.GetTerm(), s.GetVote(), s.GetCommit()
	if !changed || !mustSync {
		return nil
	}
	return writeState(c.fs, c.dir, c.state)
}

// install takes a leader's snapshot: the file, the members, and a log that goes
// on behind it. A crash after the file finds the log too short, and restore
// begins it anew.
func (c *core) install(s *raftpb.Snapshot) error {
	if err := writeSnapshot(c.fs, c.dir, s); err != nil {
		return err
	}
	m := s.GetMetadata()
	if err := c.entries.ApplySnapshot(newSnapshot(m.GetIndex(), m.GetTerm(), m.GetConfState(), nil)); err != nil {
		return fmt.Errorf("install the snapshot at %d: %w", s.GetMetadata().GetIndex(), err)
	}
	if err := c.setMembers(s.GetMetadata().GetConfState()); err != nil {
		return err
	}
	c.logged = 0
	if err := c.log.beginAt(s.GetMetadata().GetIndex() + 1); err != nil {
		return err
	}
	return removeSnapshots(c.fs, c.dir, s.GetMetadata().GetIndex())
}

func (c *core) setMembers(m *raftpb.ConfState) error {
	c.state.members = m
	return writeState(c.fs, c.dir, c.state)
}

// keepBehindSnapshot is how many entries stay in the log behind a snapshot, so
// that a node that is a little behind need not be sent all of it.
const keepBehindSnapshot = 1000

// snapshotWritten forgets the entries that a durable snapshot covers.
func (c *core) snapshotWritten(index uint64) error {
	if _, err := c.entries.CreateSnapshot(index, c.state.members, nil); err != nil {
		return fmt.Errorf("note the snapshot at %d: %w", index, err)
	}
	if err := removeSnapshots(c.fs, c.dir, index); err != nil {
		return err
	}
	first, err := c.entries.FirstIndex()
	if err != nil {
		return fmt.Errorf("first raft entry: %w", err)
	}
	if index < first+keepBehindSnapshot {
		return nil
	}
	keep := index - keepBehindSnapshot
	if err := c.entries.Compact(keep); err != nil {
		return fmt.Errorf("forget raft entries below %d: %w", keep, err)
	}
	return c.log.dropTo(keep + 1)
}
