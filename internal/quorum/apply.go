package quorum

import (
	"context"
	"fmt"
	"log/slog"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Advance is steps 5 and 6 of a Ready whose Steps are done: it applies what is
// committed and tells raft. It returns the replies that may be given once the
// image is published.
func (m *Machine) Advance(rd *Ready) ([]Reply, error) {
	if m.underWay != rd {
		panic("quorum: advanced a Ready that is not under way")
	}
	replies := m.becomeRole(rd.raft.SoftState)
	if m.incoming != nil {
		replies = append(replies, m.restore(snapshotOf(rd.raft.Snapshot))...)
	}
	for _, e := range rd.raft.CommittedEntries {
		if err := m.apply(e); err != nil {
			return nil, err
		}
		replies = append(replies, m.resolve(e)...)
	}
	m.underWay = nil
	m.node.Advance(rd.raft)
	m.caughtUp = m.caughtUp || m.applied >= m.catchUp
	return append(replies, m.confirm(rd.raft.ReadStates)...), nil
}

// becomeRole returns the replies to what only a leader could have finished.
func (m *Machine) becomeRole(next *raft.SoftState) []Reply {
	if next == nil {
		return nil
	}
	before := m.role
	m.role, m.leader = next.RaftState, next.Lead
	m.rest()
	if before != m.role || m.leader != 0 {
		m.logger.Info("Raft state", "state", roleName(m.role), "term", m.term, "leader", m.Leader())
	}
	if before != raft.StateLeader || m.Leads() {
		return nil
	}
	replies := m.confirms.fail(&NotLeaderError{Leader: m.Leader()})
	for _, r := range append(m.leaving, m.closing...) {
		replies = append(replies, Reply{Token: r.Token, Err: ErrOutcomeUnknown})
	}
	m.leaving, m.closing = nil, nil
	return replies
}

func roleName(r raft.StateType) string {
	switch r {
	case raft.StateLeader:
		return "Leader"
	case raft.StateFollower:
		return "Follower"
	case raft.StateCandidate:
		return "Candidate"
	case raft.StatePreCandidate:
		return "PreCandidate"
	}
	return r.String()
}

// restore takes the leader's snapshot in place of the image.
func (m *Machine) restore(snap *snapshot) []Reply {
	m.image, m.incoming = m.incoming, nil
	m.applied, m.appliedTerm, m.conf = snap.index, snap.term, snap.conf
	m.appliedBytes, m.appliedEntries = 0, 0
	m.snapshotLacks, m.snapshotConf = false, snap.conf
	m.logger.Info("Metadata snapshot taken from the leader", "index", snap.index, "term", snap.term)
	if m.pending == nil || m.pending.index > snap.index {
		return nil
	}
	// The snapshot may or may not have the entry in it.
	return m.failPending(ErrOutcomeUnknown)
}

// apply applies a committed entry to the image, or to the members.
func (m *Machine) apply(e *raftpb.Entry) error {
	var err error
	switch e.GetType() {
	case raftpb.EntryNormal:
		err = m.applyCommands(e)
	case raftpb.EntryConfChangeV2:
		err = m.applyChange(e)
	default:
		err = fmt.Errorf("%w: type %s", errEntry, e.GetType())
	}
	if err != nil {
		return fmt.Errorf("apply metadata entry %d: %w", e.GetIndex(), err)
	}
	m.applied, m.appliedTerm = e.GetIndex(), e.GetTerm()
	m.appliedBytes += entryBytes(e)
	m.appliedEntries++
	return nil
}

func (m *Machine) applyCommands(e *raftpb.Entry) error {
	commands, records, err := decodeEntry(e.GetData())
	if err != nil {
		return err
	}
	next, err := m.image.After(records, e.GetIndex())
	if err != nil {
		return err
	}
	for _, name := range commands {
		m.logger.Log(context.Background(), m.applyLevel(), "Applying command", "type", name, "index", e.GetIndex())
	}
	m.image = next
	return nil
}

// applyLevel is lower for what was logged before the restart.
func (m *Machine) applyLevel() slog.Level {
	if !m.caughtUp {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func (m *Machine) applyChange(e *raftpb.Entry) error {
	var change raftpb.ConfChangeV2
	if err := proto.Unmarshal(e.GetData(), &change); err != nil {
		return fmt.Errorf("%w: change of members: %w", errEntry, err)
	}
	next, err := m.image.After(nil, e.GetIndex())
	if err != nil {
		return err
	}
	m.image, m.conf = next, m.node.ApplyConfChange(&change)
	now := m.Members()
	m.logger.Log(context.Background(), m.applyLevel(), "Members of the metadata quorum changed", "index", e.GetIndex(),
		"voters", now.Voters, "learners", now.Learners, "leaving", now.Leaving)
	return nil
}

// resolve ends the entry that was on its way, if this is its index.
func (m *Machine) resolve(e *raftpb.Entry) []Reply {
	change := e.GetType() == raftpb.EntryConfChangeV2
	if change && !joint(m.conf) {
		m.closing, m.leaving = m.leaving, nil
	}
	p := m.pending
	if p == nil || p.index != e.GetIndex() {
		return nil
	}
	if p.term != e.GetTerm() { // another leader's stands there
		return m.failPending(&NotLeaderError{Leader: m.Leader()})
	}
	m.pending = nil
	switch {
	case change && joint(m.conf):
		m.leaving = p.replies
	case change:
		m.closing = p.replies
	default:
		return p.replies
	}
	return nil
}

func (m *Machine) failPending(err error) []Reply {
	replies := m.pending.replies
	for i := range replies {
		replies[i] = Reply{Token: replies[i].Token, Err: err}
	}
	m.pending = nil
	return replies
}
