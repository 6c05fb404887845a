package quorum

import (
	"fmt"
	"log/slog"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

const (
	// messageBytesMax bounds the entries of one message, unless one entry alone
	// is larger.
	messageBytesMax = 1 << 20
	// messagesInFlightMax bounds what a leader sends a follower that does not
	// answer.
	messagesInFlightMax = 64
)

// Machine agrees on the metadata: it takes ticks, messages and commands, and
// makes Readies, whose steps its driver carries out before it calls Advance. It
// has no goroutine, clock, disk or socket, and is not safe for concurrent use.
// The same calls make the same Readies, but for the length of election timeouts,
// which raft draws from crypto/rand.Reader.
//
// A driver does this over and over: an event (Tick, Step, Decide, ...); then,
// while Ready has something, its Steps and Advance. Events may come between Ready
// and Advance; commands are not decided there (CanDecide).
//
// A leader has one entry on its way at a time: commands are decided on an image
// that has everything before them, and what queues up meanwhile makes the next
// entry.
//
// Tokens are the driver's: each that Decide, ChangeMembers or Confirm took comes
// back once, in a Reply, unless the machine is given up first.
type Machine struct {
	id      uint64
	node    *raft.RawNode
	storage Storage
	logger  *slog.Logger

	image       *meta.Image // as of applied
	applied     uint64
	appliedTerm uint64
	conf        *raftpb.ConfState // as of applied
	// underWay is the Ready that has not been advanced yet, and incoming the
	// image of the snapshot in it.
	underWay *Ready
	incoming *meta.Image

	state  *HardState // of the newest Ready
	role   raft.StateType
	leader uint64 // 0: nobody known
	term   uint64

	pending  *proposal
	leaving  []Reply // of a change of members, until the joint configuration is left
	closing  []Reply // and until an entry follows it
	confirms confirms

	ticked int    // since the last rest
	rests  uint64 // how often ticks were begun to be counted anew

	// catchUp is the last index of the log that was found at the start, or
	// less, if the leader had it cut. Until it is applied the image may lack what
	// this node knew before, and is not shown to anybody.
	catchUp  uint64
	caughtUp bool

	// Applied since the newest snapshot was begun.
	appliedBytes   int
	appliedEntries int
	// snapshotLacks: a member needs a snapshot, and the newest does not name it.
	snapshotLacks bool
	snapshotConf  *raftpb.ConfState // of the newest that was begun
}

// Reply is what became of a token's command, change or confirmation. It may be
// given once the image as of the Advance that returned it is published.
type Reply struct {
	Token  any
	Result any
	Err    error
}

// proposal is the entry that is on its way.
type proposal struct {
	index, term uint64
	kind        raftpb.EntryType
	replies     []Reply // once it is committed
}

// MachineOptions are what a Machine begins with.
type MachineOptions struct {
	Node    model.NodeID
	Storage Storage     // has the contract of a Store's reading part
	Image   *meta.Image // meta.DecodeSnapshot of the storage's snapshot
	Logger  *slog.Logger
}

// NewMachine makes a machine that goes on where its storage was left.
func NewMachine(o MachineOptions) (*Machine, error) {
	state, conf, err := o.Storage.InitialState()
	if err != nil {
		return nil, err
	}
	last, err := o.Storage.LastIndex()
	if err != nil {
		return nil, err
	}
	// Entries up to the snapshot may still be there, for followers.
	applied := o.Image.Index
	baseTerm, err := o.Storage.Term(applied)
	if err != nil {
		return nil, fmt.Errorf("find entry %d, which the metadata snapshot ends with: %w", applied, err)
	}
	m := &Machine{
		id: raftID(o.Node), storage: o.Storage, logger: o.Logger,
		image: o.Image, applied: applied, appliedTerm: baseTerm, conf: conf, snapshotConf: conf,
		catchUp: last, caughtUp: last == applied,
	}
	if m.state, err = m.stateAtStart(state, last); err != nil {
		return nil, err
	}
	m.node, err = raft.NewRawNode(&raft.Config{
		ID: m.id, Storage: source{o.Storage, m}, Applied: applied,
		ElectionTick: electionTicks, HeartbeatTick: heartbeatTicks,
		MaxSizePerMsg: messageBytesMax, MaxInflightMsgs: messagesInFlightMax,
		PreVote: true, CheckQuorum: true,
		// A command is decided by who proposes it; another leader's image may
		// be another.
		DisableProposalForwarding: true,
		// Confirm counts on raft knowing that it no longer leads.
		StepDownOnRemoval: true,
		ReadOnlyOption:    raft.ReadOnlySafe,
		Logger:            raftLogger{o.Logger},
	})
	if err != nil {
		return nil, err
	}
	m.term = m.node.BasicStatus().GetTerm()
	return m, nil
}

// source is a machine's storage as raft reads it.
type source struct {
	Storage
	m *Machine
}

// InitialState implements raft.Storage.
func (s source) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return s.m.state, s.m.conf, nil
}

// Step takes a message from another node, and does not change it. An error says
// that it was dropped.
func (m *Machine) Step(message *Message) error {
	if m.joining() {
		if err := m.checkJoining(message); err != nil {
			return err
		}
	}
	err := m.node.Step(message)
	if err == nil {
		m.noteHeard(message)
	}
	return err
}

// Campaign starts an election at once.
func (m *Machine) Campaign() error { return m.node.Campaign() }

// Yield has the leader hand its office to the voter that has most of the log. It
// keeps it where that takes longer than an election would. Elsewhere, where there is no
// other voter that has answered, and while it is on its way already, it does nothing: it
// may be asked again and again.
func (m *Machine) Yield() {
	var to, match uint64
	m.node.WithProgress(func(id uint64, kind raft.ProgressType, p tracker.Progress) {
		if id != m.id && kind == raft.ProgressTypePeer && p.RecentActive && p.Match > match {
			to, match = id, p.Match
		}
	})
	if m.Leads() && to != 0 && m.node.BasicStatus().LeadTransferee == 0 {
		m.node.TransferLeader(to)
	}
}

// LeaderGone tells that a node's process is known to be gone. Where it led, this node
// forgets that, and so grants its vote to who asks for it, without waiting for a
// timeout (raft's ForgetLeader). Where the leader lives after all, it is heard of again.
func (m *Machine) LeaderGone(node model.NodeID) {
	if m.leader == raftID(node) && !m.Leads() {
		if err := m.node.ForgetLeader(); err != nil {
			m.logger.Debug("the leader was not forgotten", "leader", node, "error", err)
		}
	}
}

// ReportUnreachable tells that messages to a node were lost.
func (m *Machine) ReportUnreachable(node model.NodeID) { m.node.ReportUnreachable(raftID(node)) }

// ReportSnapshot tells whether a snapshot has reached a node; until then it gets
// nothing else.
func (m *Machine) ReportSnapshot(node model.NodeID, delivered bool) {
	status := raft.SnapshotFinish
	if !delivered {
		status = raft.SnapshotFailure
	}
	m.node.ReportSnapshot(raftID(node), status)
}

// Ready is what raft wants done; nil where that is nothing, and while one is
// under way.
func (m *Machine) Ready() (*Ready, error) {
	if m.underWay != nil {
		return nil, nil
	}
	m.closeChange()
	if !m.node.HasReady() {
		return nil, nil
	}
	rd := m.node.Ready()
	if !raft.IsEmptySnap(rd.Snapshot) {
		// Looked at before it is written: one that cannot be read must not
		// take the place of what is there.
		image, err := meta.DecodeSnapshot(rd.Snapshot.GetData())
		if err != nil {
			return nil, fmt.Errorf("take the leader's snapshot %d: %w", rd.Snapshot.GetMetadata().GetIndex(), err)
		}
		m.incoming = image
	}
	state := m.promise(rd)
	if len(rd.Entries) > 0 {
		m.noteEntries(rd.Entries[len(rd.Entries)-1])
	}
	m.underWay = &Ready{Steps: steps(rd, state), raft: rd}
	return m.underWay, nil
}

// promise is the state that has to be durable before anything else of a Ready:
// nil where term and vote are as they were. A commit index alone is not worth a
// sync.
//
// The commit index that goes with it is no further than what the log has while
// the state is written. Raft's may be that of entries in the same Ready. If a
// crash came before those are there, the log would still have what they replace,
// and the node would take that to be committed.
func (m *Machine) promise(rd raft.Ready) *HardState {
	before, next := m.state, rd.HardState
	if raft.IsEmptyHardState(next) {
		return nil
	}
	m.state, m.term = next, next.GetTerm()
	if next.GetTerm() == before.GetTerm() && next.GetVote() == before.GetVote() {
		return nil
	}
	commit := next.GetCommit()
	switch {
	case !raft.IsEmptySnap(rd.Snapshot):
		commit = before.GetCommit()
	case len(rd.Entries) > 0:
		commit = min(commit, rd.Entries[0].GetIndex()-1)
	}
	return hardState(next.GetTerm(), next.GetVote(), commit)
}

// noteEntries looks at the last of the entries to be appended.
func (m *Machine) noteEntries(last *raftpb.Entry) {
	m.catchUp = min(m.catchUp, last.GetIndex())
	// A proposed entry stands where it was decided to be.
	if p := m.pending; p != nil && p.term == m.term && m.Leads() {
		if last.GetIndex() != p.index || last.GetType() != p.kind {
			panic(fmt.Sprintf("quorum: entry decided for index %d (%s) stands at %d (%s)", p.index, p.kind, last.GetIndex(), last.GetType()))
		}
	}
}

// Alone: this node is the only member.
func (m *Machine) Alone() bool {
	return slices.Equal(m.conf.GetVoters(), []uint64{m.id}) &&
		len(m.conf.GetLearners())+len(m.conf.GetVotersOutgoing())+len(m.conf.GetLearnersNext()) == 0
}

// Leads: this node is the leader, as of the last Advance.
func (m *Machine) Leads() bool { return m.role == raft.StateLeader }

// Leader is who leads, or NoNode.
func (m *Machine) Leader() model.NodeID { return nodeOf(m.leader) }

// Refuses: somebody else leads.
func (m *Machine) Refuses() bool { return m.leader != 0 && !m.Leads() }

// Term is the newest term that this node knows of.
func (m *Machine) Term() uint64 { return m.term }

// Applied is the index of the last entry that the image has.
func (m *Machine) Applied() uint64 { return m.applied }

// Image is the metadata as of Applied. It may be shown once CaughtUp says so.
func (m *Machine) Image() *meta.Image { return m.image }

// CaughtUp: the image has what this node knew before its last start.
func (m *Machine) CaughtUp() bool { return m.caughtUp }

// CanDecide: this node leads, and its image has everything that the log has, so
// that what is decided follows it. That includes the first entry of its term,
// and what raft itself may have added. While leadership is handed over it cannot.
func (m *Machine) CanDecide() bool {
	return m.Leads() && m.pending == nil && m.underWay == nil && m.applied == m.lastIndex() &&
		!m.node.HasReady() && m.node.BasicStatus().LeadTransferee == 0
}

// lastIndex is that of the last durable entry.
func (m *Machine) lastIndex() uint64 {
	last, err := m.storage.LastIndex()
	if err != nil {
		panic(err) // raft does the same
	}
	return last
}
