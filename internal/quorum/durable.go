package quorum

import (
	"context"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Raft's types, by the names that other packages use: who carries messages or
// keeps entries knows them as they are, and not the algorithm.
type (
	Message   = raftpb.Message
	Entry     = raftpb.Entry
	HardState = raftpb.HardState
	ConfState = raftpb.ConfState
	Snapshot  = raftpb.Snapshot
	Storage   = raft.Storage
)

// What a Storage answers for entries that it no longer has, and for those that it
// does not have yet.
var (
	ErrCompacted   = raft.ErrCompacted
	ErrUnavailable = raft.ErrUnavailable
)

// Store is what of a Machine is durable. Its methods are called by one goroutine
// at a time, but for SaveSnapshot. When one returns nil, its effect survives
// every crash; when a crash comes before that, the store opens again as Open's
// contract below says. An error is final: nothing is tried again.
//
// Reading (raft.Storage): entries are [FirstIndex, LastIndex], those of the log
// behind the compacted part; Term knows FirstIndex-1 too. Snapshot is the newest
// snapshot, and InitialState's ConfState is that snapshot's, also after it has
// become another.
//
// Opening after a crash finds, of the operation that was going on:
//
//   - SaveState: the state before or the one after.
//   - Install: all as before, or the new snapshot with an empty log behind it.
//   - Append: what was there before, from the first of the new entries on cut off
//     anywhere, or not at all; or any prefix of the new entries behind what
//     precedes them.
//   - SaveSnapshot: the older snapshot or the newer; the entries as they were.
//   - Compact: any part of what it removes.
//
// The commit index that InitialState tells is a hint. It is never beyond what is
// known to be committed of the entries that are there: at least the snapshot's
// index, and at most what SaveState was last told.
type Store interface {
	Storage
	// SaveState replaces term, vote and the hint.
	SaveState(state *HardState) error
	// Install puts a snapshot from the leader in the place of all there is.
	Install(snap *Snapshot) error
	// Append adds entries behind the one before the first of them; what stood
	// there is cut off. It may keep them, and does not change them. Ending ctx
	// gives up waiting for the disk.
	Append(ctx context.Context, entries []*Entry) error
	// SaveSnapshot adds a snapshot of our own. It may run beside the others.
	SaveSnapshot(snap *Snapshot) error
	// Compact lets go of what a snapshot that has been saved stands for, but for
	// the last keep entries before it: a follower that is a little behind gets
	// those rather than a snapshot. Where Install has come between, and was of a
	// later snapshot, it only removes what is old.
	Compact(snap *Snapshot, keep uint64) error
}

// A new cluster begins with a snapshot of nothing that names the voters. Every
// voter makes the same one for itself; the log begins behind it.
const (
	bootstrapIndex = 1
	bootstrapTerm  = 1
)

// Bootstrap is what an empty store begins with. With voters it is the beginning
// of a new cluster, and has to be the same on each of them.
//
// With none it is that of a node that will be added to a cluster. It names no
// members and has no entry, so that a leader can only send it a snapshot: it
// takes part in nothing before it has one in which it is a member, and never
// applies a change to members that it does not know.
func Bootstrap(voters []model.NodeID) (*HardState, *Snapshot) {
	if len(voters) == 0 {
		snap := &snapshot{conf: &raftpb.ConfState{}, data: meta.EncodeSnapshot(&meta.Image{})}
		return hardState(0, 0, 0), snap.raft()
	}
	ids := make([]uint64, len(voters))
	for i, v := range voters {
		ids[i] = raftID(v)
	}
	snap := &snapshot{
		index: bootstrapIndex, term: bootstrapTerm, conf: &raftpb.ConfState{Voters: ids},
		data: meta.EncodeSnapshot(&meta.Image{Index: bootstrapIndex}),
	}
	return hardState(bootstrapTerm, 0, bootstrapIndex), snap.raft()
}

// raftID is a node's id in raft, where 0 is nobody; nodeOf is the way back.
func raftID(n model.NodeID) uint64 { return uint64(n) + 1 }

func nodeOf(id uint64) model.NodeID { return model.NodeID(int64(id) - 1) }

// NodeOf is the node that a raft message names in its To or From.
func NodeOf(id uint64) model.NodeID { return nodeOf(id) }

// IsSnapshot reports whether a message takes a snapshot to its node: what has
// become of it has to be told to ReportSnapshot.
func IsSnapshot(m *Message) bool { return m.GetType() == raftpb.MsgSnap }
