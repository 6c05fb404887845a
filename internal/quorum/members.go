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
	// ErrRemoveLeader: another node has to lead first (Yield).
	ErrRemoveLeader = errors.New("a node cannot take its own vote while it leads the quorum")
	// ErrVotersAway: of the voters that would be left no majority answers, and nothing
	// could be decided any more, not even that others vote in their place. Try again
	// when they do.
	ErrVotersAway = errors.New("most of the voters that would be left do not answer")
	// ErrMembers: the change does not fit the members as they are.
	ErrMembers = errors.New("the change does not fit the members")
)

// Members are those of the quorum.
type Members struct {
	Voters, Learners []model.NodeID
	// Leaving are the voters before a change, while it is half done: a majority
	// of them is needed too.
	Leaving []model.NodeID
}

// Members are those as of Applied.
func (m *Machine) Members() Members {
	return Members{nodesOf(m.conf.GetVoters()), nodesOf(m.conf.GetLearners()), nodesOf(m.conf.GetVotersOutgoing())}
}

func nodesOf(ids []uint64) []model.NodeID {
	nodes := make([]model.NodeID, len(ids))
	for i, id := range ids {
		nodes[i] = nodeOf(id)
	}
	return nodes
}

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
	// Demote makes voters learners.
	Demote []model.NodeID
	// Remove removes voters and learners. They may be added again, also with an
	// emptied disk: a voter whose disk is lost is removed before it starts anew.
	Remove []model.NodeID
}

// ChangeMembers proposes a change of members. It may be called when CanDecide
// says so. An error is the reply; NotLeaderError elsewhere. The token's reply
// comes when the change is complete: nobody needs a removed node any more, and it
// may be switched off or emptied. After ErrOutcomeUnknown that is so when the
// image has another command's records.
//
// One node at a time is added or removed in one step; more of them go through
// joint consensus (Ongaro's dissertation, 4.3), which the leader leaves by
// itself, whoever that then is.
//
// Complete is more than committed. The majority that committed the last entry of
// the change need not know that it is, and those who do not would still ask the
// removed nodes for their votes, also after a restart. So the leader has one more
// entry committed. Who can be elected then has that entry, and knows by it that
// what is before it is committed (stateAtStart). That is also why a leader does
// not remove itself: it could not propose that entry.
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

// closeChange proposes the entry after a change, when it may.
func (m *Machine) closeChange() {
	if len(m.closing) == 0 || !m.CanDecide() {
		return
	}
	if m.node.Propose(appendEntry([]string{"ChangeMembers"}, nil)) == nil {
		m.pending = &proposal{index: m.applied + 1, term: m.term, kind: raftpb.EntryNormal, replies: m.closing}
		m.closing = nil
	}
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
	for _, n := range change.Demote {
		if raftID(n) == m.id {
			return nil, ErrRemoveLeader
		}
		if err := add(n, raftpb.ConfChangeAddLearnerNode, slices.Contains(voters, raftID(n)), "is not a voter"); err != nil {
			return nil, err
		}
		voters = slices.DeleteFunc(voters, func(id uint64) bool { return id == raftID(n) })
	}
	for _, n := range change.Remove {
		if raftID(n) == m.id {
			return nil, ErrRemoveLeader
		}
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
	case len(voters) < len(m.conf.GetVoters())+len(change.Promote) && !m.answers(voters):
		return nil, ErrVotersAway
	}
	return singles, nil
}

// answers: a majority of some voters, with this node if it is one, has answered of late.
func (m *Machine) answers(voters []uint64) bool {
	count := 0
	m.node.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		if slices.Contains(voters, id) && (id == m.id || p.RecentActive) {
			count++
		}
	})
	return count > len(voters)/2
}

// joining: this node knows of no members yet.
func (m *Machine) joining() bool { return len(m.conf.GetVoters()) == 0 }

// errJoining: what a node is asked to do takes a log, and it has none.
var errJoining = errors.New("this node waits for its first snapshot of the metadata")

// checkJoining refuses what a node without members must not take. It does not
// vote: its id may have been that of a voter with a disk that is gone, and a
// candidate that has not heard of that voter's removal would count its vote, which
// speaks for a log that does not exist. Nobody needs it: a learner is promoted
// when it has the log. And it takes no word of what it is to have committed
// already; raft would panic.
func (m *Machine) checkJoining(message *Message) error {
	kind := message.GetType()
	if kind == raftpb.MsgVote || kind == raftpb.MsgPreVote {
		return errJoining
	}
	if kind == raftpb.MsgHeartbeat && message.GetCommit() > m.lastIndex() {
		m.logger.Warn("The metadata quorum takes this node for one that has a log; remove it and add it again",
			"node", nodeOf(m.id), "leader", nodeOf(message.GetFrom()))
		return errJoining
	}
	return nil
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
// (Ongaro's dissertation, 4.1; raft does not campaign while it knows of a
// committed change that it has not applied). After a restart the stored commit
// index may be from long ago, and the node would be a candidate among the members
// of its snapshot. But the log tells more:
//
//   - A leader proposes commands and changes only when it has applied all that
//     its log has (CanDecide). So what is before such an entry is committed.
//   - Raft itself proposes two kinds of entry, both without data: the first of a
//     term, which tells nothing, and the one that leaves a joint configuration. A
//     leader proposes that when it has applied the entry that entered it, the
//     change before.
func (m *Machine) stateAtStart(state *raftpb.HardState, last uint64) (*raftpb.HardState, error) {
	commit := max(state.GetCommit(), m.applied)
	var change uint64 // the newest so far
	for next := commit + 1; next <= last; {
		entries, err := m.storage.Entries(next, last+1, messageBytesMax)
		if err != nil {
			return nil, fmt.Errorf("look for changes of members in the metadata log: %w", err)
		}
		for _, e := range entries {
			switch {
			case len(e.GetData()) > 0:
				commit = max(commit, e.GetIndex()-1)
			case e.GetType() == raftpb.EntryConfChangeV2:
				commit = max(commit, change)
			}
			if e.GetType() == raftpb.EntryConfChangeV2 {
				change = e.GetIndex()
			}
		}
		next += uint64(len(entries))
	}
	if raft.IsEmptyHardState(state) {
		return state, nil // it has never taken part, and has no log
	}
	return hardState(state.GetTerm(), state.GetVote(), commit), nil
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
