package quorum

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/chronik/chronik/internal/model"
)

// Errors of a change of members that is refused; nothing was changed.
var (
	// ErrChangeUnderWay: the members are just being changed. Try again.
	ErrChangeUnderWay = errors.New("another change of the quorum's members is under way")
	// ErrNotCaughtUp: a learner lacks too much to be a voter. Try again.
	ErrNotCaughtUp = errors.New("it has not caught up with the metadata log")
	// ErrLastVoter: nobody would be left to vote.
	ErrLastVoter = errors.New("the quorum needs a voter")
	// ErrMembers: the change does not fit the members as they are.
	ErrMembers = errors.New("the change does not fit the members")
)

// promoteLagEntriesMax is how far a learner may be behind to be promoted: what
// may be on its way to it. More, and the entries after the change would wait for
// it while it catches up, if its vote is needed.
const promoteLagEntriesMax = messagesInFlightMax

// Change changes the members of the quorum, all at once. A node is in one of the
// lists at most.
type Change struct {
	// Learn adds nodes as learners: they get the log and have no vote.
	Learn []model.NodeID
	// Promote makes learners that have caught up voters.
	Promote []model.NodeID
	// Remove removes voters and learners. They must not come back with the disk
	// that they have; to learn anew they begin with an empty one.
	Remove []model.NodeID
}

// ChangeMembers proposes a change of members. The token's reply comes when the
// change is complete: from then on a removed node has no say. It may be called
// when CanDecide says so. An error is the reply; NotLeaderError elsewhere.
//
// One node at a time is added or removed in one step; more of them go through
// joint consensus (Ongaro's dissertation, 4.3), which the leader leaves by
// itself, whoever that then is.
func (m *Machine) ChangeMembers(token any, change Change) error {
	if !m.Leads() {
		return &NotLeaderError{Leader: m.Leader()}
	}
	if joint(m.conf) || !m.CanDecide() {
		return ErrChangeUnderWay
	}
	singles, err := m.checkChange(change)
	if err != nil {
		return err
	}
	if err := m.node.ProposeConfChange(&raftpb.ConfChangeV2{Changes: singles}); err != nil {
		return &NotLeaderError{Leader: m.Leader()}
	}
	m.pending = &proposal{
		index: m.applied + 1, term: m.term, kind: raftpb.EntryConfChangeV2, replies: []Reply{{Token: token}},
	}
	return nil
}

// joint: a change is half done; both the voters before and after it decide.
func joint(conf *raftpb.ConfState) bool { return len(conf.GetVotersOutgoing()) > 0 }

// checkChange holds a change against the members, and puts it into raft's words.
func (m *Machine) checkChange(change Change) ([]*raftpb.ConfChangeSingle, error) {
	var singles []*raftpb.ConfChangeSingle
	voters, learners := slices.Clone(m.conf.GetVoters()), m.conf.GetLearners()
	seen := map[uint64]bool{}
	add := func(node model.NodeID, kind raftpb.ConfChangeType, fits bool, what string) error {
		id := raftID(node)
		switch {
		case node < 0:
			return fmt.Errorf("%w: %d is not a node", ErrMembers, node)
		case seen[id]:
			return fmt.Errorf("%w: node %d is named twice", ErrMembers, node)
		case !fits:
			return fmt.Errorf("%w: node %d %s", ErrMembers, node, what)
		}
		seen[id] = true
		singles = append(singles, &raftpb.ConfChangeSingle{Type: kind.Enum(), NodeId: new(id)})
		return nil
	}
	for _, n := range change.Learn {
		isNew := !slices.Contains(voters, raftID(n)) && !slices.Contains(learners, raftID(n))
		if err := add(n, raftpb.ConfChangeAddLearnerNode, isNew, "is a member already"); err != nil {
			return nil, err
		}
	}
	for _, n := range change.Promote {
		if err := add(n, raftpb.ConfChangeAddNode, slices.Contains(learners, raftID(n)), "is not a learner"); err != nil {
			return nil, err
		}
		if !m.keepsUp(raftID(n)) {
			return nil, fmt.Errorf("promote node %d: %w", n, ErrNotCaughtUp)
		}
		voters = append(voters, raftID(n))
	}
	for _, n := range change.Remove {
		isMember := slices.Contains(voters, raftID(n)) || slices.Contains(learners, raftID(n))
		if err := add(n, raftpb.ConfChangeRemoveNode, isMember, "is not a member"); err != nil {
			return nil, err
		}
		voters = slices.DeleteFunc(voters, func(id uint64) bool { return id == raftID(n) })
	}
	switch {
	case len(singles) == 0:
		return nil, fmt.Errorf("%w: it names no node", ErrMembers)
	case len(voters) == 0:
		return nil, ErrLastVoter
	}
	return singles, nil
}

// keepsUp: a follower has answered of late, and has nearly all that there is.
func (m *Machine) keepsUp(id uint64) bool {
	up := false
	m.node.WithProgress(func(of uint64, _ raft.ProgressType, p tracker.Progress) {
		if of == id {
			up = p.RecentActive && p.State == tracker.StateReplicate && p.Match+promoteLagEntriesMax >= m.applied
		}
	})
	return up
}

// stateAtStart is what the storage has promised, with a commit index that is
// safe to start an election with.
//
// A change of members counts on each node once that node has applied it. So that
// majorities always overlap, a node must not be further behind than one change
// (Ongaro's dissertation, 4.1; and raft does not campaign while it knows of a
// committed change that it has not applied). After a restart the stored commit
// index may be from long ago, and the node would vote as the members of its
// snapshot. But a leader proposes a change only when it has applied the one
// before. So where the log has a change, all that is before the previous one in
// the log is committed.
func (m *Machine) stateAtStart(state *raftpb.HardState, last uint64) (*raftpb.HardState, error) {
	commit := max(state.GetCommit(), m.applied)
	var previous, newest uint64
	for next := commit + 1; next <= last; {
		entries, err := m.storage.Entries(next, last+1, messageBytesMax)
		if err != nil {
			return nil, fmt.Errorf("look for changes of members in the metadata log: %w", err)
		}
		for _, e := range entries {
			if e.GetType() == raftpb.EntryConfChangeV2 {
				previous, newest = newest, e.GetIndex()
			}
		}
		next += uint64(len(entries))
	}
	if raft.IsEmptyHardState(state) {
		return state, nil // it has never taken part, and has no log
	}
	return hardState(state.GetTerm(), state.GetVote(), max(commit, previous)), nil
}

// names reports whether a configuration has all members of another.
func names(conf, of *raftpb.ConfState) bool {
	has := func(id uint64) bool {
		return slices.Contains(conf.GetVoters(), id) || slices.Contains(conf.GetLearners(), id) ||
			slices.Contains(conf.GetVotersOutgoing(), id)
	}
	for _, ids := range [][]uint64{of.GetVoters(), of.GetLearners(), of.GetVotersOutgoing()} {
		if slices.ContainsFunc(ids, func(id uint64) bool { return !has(id) }) {
			return false
		}
	}
	return true
}
