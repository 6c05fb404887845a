package quorum

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/meta"
)

// SnapshotLimits say when the log is long enough for a snapshot: a restart reads
// at most so much of it. They look at the log only, so that equal logs have
// snapshots at equal places.
type SnapshotLimits struct {
	Bytes, Entries int
	// Keep is how many entries below a snapshot stay, for followers.
	Keep uint64
}

// DefaultSnapshotLimits are those of a broker.
func DefaultSnapshotLimits() SnapshotLimits {
	return SnapshotLimits{Bytes: 4 << 20, Entries: 10_000, Keep: 1000}
}

// WantsSnapshot: the log has grown enough since the newest snapshot, or a member
// needs a snapshot that is newer.
func (m *Machine) WantsSnapshot(limits SnapshotLimits) bool {
	return m.snapshotLacks || m.appliedBytes >= limits.Bytes || m.appliedEntries >= limits.Entries
}

// TakeSnapshot begins a snapshot of the image as it is. Its Data is left to the
// caller: meta.EncodeSnapshot of the image, which takes long where there is much
// and may be done aside, since images do not change. Store.SaveSnapshot keeps it,
// and only then may Store.Compact follow.
func (m *Machine) TakeSnapshot() (*Snapshot, *meta.Image) {
	m.appliedBytes, m.appliedEntries = 0, 0
	m.snapshotLacks, m.snapshotConf = false, m.conf
	s := &snapshot{index: m.applied, term: m.appliedTerm, conf: m.conf}
	return s.raft(), m.image
}

// Keep is how many entries Compact shall leave: none where nobody needs them.
func (m *Machine) Keep(limits SnapshotLimits) uint64 {
	if m.Alone() {
		return 0
	}
	return limits.Keep
}

// Snapshot implements raft.Storage. A node that was added lately is not in a
// snapshot from before, and would not take it: raft has to wait for one that
// names it.
func (s source) Snapshot() (*raftpb.Snapshot, error) {
	_, conf, err := s.Storage.InitialState()
	if err != nil {
		return nil, err
	}
	if !names(conf, s.m.conf) {
		s.m.snapshotLacks = !names(s.m.snapshotConf, s.m.conf)
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return s.Storage.Snapshot()
}
