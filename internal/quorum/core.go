package quorum

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Raft counts time in ticks. A follower that has not heard of its leader for 10
// to 20 of them (0.5 to 1 s) calls an election; the leader sends heartbeats every
// second tick.
const (
	electionTicks  = 10
	heartbeatTicks = 2
)

const (
	// messageBytesMax bounds the entries of one message, unless one entry alone
	// is larger.
	messageBytesMax = 1 << 20
	// messagesInFlightMax bounds what a leader sends a follower that does not
	// answer.
	messagesInFlightMax = 64
)

// core is the state machine: it takes ticks, messages and commands, and makes
// Readies, of which the shell carries out steps 1 to 4 before it calls advance.
//
// A leader has one entry on its way at a time: commands are decided on an image
// that has everything before them, and what queues up meanwhile makes the next
// entry.
type core struct {
	id      uint64
	node    *raft.RawNode
	storage raft.Storage
	logger  *slog.Logger

	image       *meta.Image // as of applied
	applied     uint64
	appliedTerm uint64
	conf        *raftpb.ConfState
	// incoming is the image of the snapshot in the Ready under way.
	incoming *meta.Image

	role    raft.StateType
	leader  uint64 // 0: nobody known
	term    uint64
	pending *proposal

	// catchUp is the last index of the log that was found at the start, or
	// less, if the leader had it cut. Until it is applied the image may lack what
	// this node knew before, and is not shown to anybody.
	catchUp  uint64
	caughtUp bool

	// Applied since the newest snapshot was begun.
	appliedBytes   int
	appliedEntries int
}

// request is a submitted command.
type request struct {
	ctx     context.Context
	command controller.Command
	done    chan answer // capacity 1
}

type answer struct {
	result any
	err    error
}

// reply is an answer on its way to a request.
type reply struct {
	to *request
	answer
}

// proposal is the entry that is on its way.
type proposal struct {
	index, term uint64
	replies     []reply // once it is committed
}

// coreOptions are what a core begins with: the storage and the image of its
// snapshot.
type coreOptions struct {
	id      uint64
	storage raft.Storage
	image   *meta.Image
	logger  *slog.Logger
}

func newCore(o coreOptions) (*core, error) {
	_, conf, err := o.storage.InitialState()
	if err != nil {
		return nil, err
	}
	first, err := o.storage.FirstIndex()
	if err != nil {
		return nil, err
	}
	last, err := o.storage.LastIndex()
	if err != nil {
		return nil, err
	}
	baseTerm, err := o.storage.Term(first - 1)
	if err != nil {
		return nil, err
	}
	node, err := raft.NewRawNode(&raft.Config{
		ID: o.id, Storage: o.storage, Applied: first - 1,
		ElectionTick: electionTicks, HeartbeatTick: heartbeatTicks,
		MaxSizePerMsg: messageBytesMax, MaxInflightMsgs: messagesInFlightMax,
		PreVote: true, CheckQuorum: true,
		// A command is decided by who proposes it; another leader's image may
		// be another.
		DisableProposalForwarding: true,
		Logger:                    raftLogger{o.logger},
	})
	if err != nil {
		return nil, err
	}
	c := &core{
		id: o.id, node: node, storage: o.storage, logger: o.logger,
		image: o.image, applied: first - 1, appliedTerm: baseTerm, conf: conf,
		catchUp: last, caughtUp: last == first-1,
	}
	c.term = node.BasicStatus().GetTerm()
	return c, nil
}

// alone: this node is the only member. It needs no clock then: it never hears
// of a higher term, and its elections cannot fail.
func (c *core) alone() bool {
	return slices.Equal(c.conf.GetVoters(), []uint64{c.id}) &&
		len(c.conf.GetLearners())+len(c.conf.GetVotersOutgoing())+len(c.conf.GetLearnersNext()) == 0
}

func (c *core) leads() bool { return c.role == raft.StateLeader }

// ready is what raft wants done; ok is false where that is nothing.
func (c *core) ready() (rd raft.Ready, ok bool, err error) {
	if !c.node.HasReady() {
		return raft.Ready{}, false, nil
	}
	rd = c.node.Ready()
	if !raft.IsEmptySnap(rd.Snapshot) {
		// Looked at before it is written: one that cannot be read must not
		// take the place of what is there.
		c.incoming, err = meta.DecodeSnapshot(rd.Snapshot.GetData())
		if err != nil {
			return raft.Ready{}, false, fmt.Errorf("take the leader's snapshot %d: %w", rd.Snapshot.GetMetadata().GetIndex(), err)
		}
	}
	if !raft.IsEmptyHardState(rd.HardState) {
		c.term = rd.HardState.GetTerm()
	}
	if len(rd.Entries) > 0 {
		if last := rd.Entries[len(rd.Entries)-1].GetIndex(); last < c.catchUp {
			c.catchUp = last
		}
	}
	return rd, true, nil
}

// advance is steps 5 and 6: it applies what is committed, tells raft, and
// returns the replies that may be given once the image is published.
func (c *core) advance(rd raft.Ready) ([]reply, error) {
	c.becomeRole(rd.SoftState)
	var replies []reply
	if c.incoming != nil {
		replies = c.restore(snapshotOf(rd.Snapshot))
	}
	for _, e := range rd.CommittedEntries {
		if err := c.apply(e); err != nil {
			return nil, err
		}
		replies = append(replies, c.resolve(e)...)
	}
	c.node.Advance(rd)
	c.caughtUp = c.caughtUp || c.applied >= c.catchUp
	return replies, nil
}

func (c *core) becomeRole(next *raft.SoftState) {
	if next == nil {
		return
	}
	changed := c.role != next.RaftState
	c.role, c.leader = next.RaftState, next.Lead
	if changed || next.Lead != 0 {
		c.logger.Info("Raft state", "state", roleName(c.role), "term", c.term, "leader", nodeOf(c.leader))
	}
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
func (c *core) restore(snap *snapshot) []reply {
	c.image, c.incoming = c.incoming, nil
	c.applied, c.appliedTerm, c.conf = snap.index, snap.term, snap.conf
	c.appliedBytes, c.appliedEntries = 0, 0
	c.logger.Info("Metadata snapshot taken from the leader", "index", snap.index, "term", snap.term)
	if c.pending == nil || c.pending.index > snap.index {
		return nil
	}
	// The snapshot may or may not have the entry in it.
	return c.failPending(ErrOutcomeUnknown)
}

// apply applies a committed entry to the image.
func (c *core) apply(e *raftpb.Entry) error {
	if e.GetType() != raftpb.EntryNormal {
		return fmt.Errorf("apply metadata entry %d: %w: type %s", e.GetIndex(), errEntry, e.GetType())
	}
	commands, records, err := decodeEntry(e.GetData())
	if err != nil {
		return fmt.Errorf("apply metadata entry %d: %w", e.GetIndex(), err)
	}
	next, err := c.image.After(records, e.GetIndex())
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if !c.caughtUp {
		level = slog.LevelDebug // it was logged before the restart
	}
	for _, name := range commands {
		c.logger.Log(context.Background(), level, "Applying command", "type", name, "index", e.GetIndex())
	}
	c.image, c.applied, c.appliedTerm = next, e.GetIndex(), e.GetTerm()
	c.appliedBytes += entryBytes(e)
	c.appliedEntries++
	return nil
}

// resolve ends the entry that was on its way, if this is its index.
func (c *core) resolve(e *raftpb.Entry) []reply {
	p := c.pending
	if p == nil || p.index != e.GetIndex() {
		return nil
	}
	if p.term != e.GetTerm() { // another leader's stands there
		return c.failPending(&NotLeaderError{Leader: nodeOf(c.leader)})
	}
	c.pending = nil
	return p.replies
}

func (c *core) failPending(err error) []reply {
	replies := c.pending.replies
	for i := range replies {
		replies[i].answer = answer{err: err}
	}
	c.pending = nil
	return replies
}

// canDecide: this node leads, and its image has everything that the log has, so
// that what is decided follows it. That includes the first entry of its term.
func (c *core) canDecide(lastIndex uint64) bool {
	return c.leads() && c.pending == nil && c.applied == lastIndex
}

// refuses: somebody else leads.
func (c *core) refuses() bool { return c.leader != 0 && !c.leads() }

// snapshot is one of the image as it is, for the shell to write.
func (c *core) snapshot() *snapshot {
	c.appliedBytes, c.appliedEntries = 0, 0
	return &snapshot{index: c.applied, term: c.appliedTerm, conf: c.conf}
}

// leaderNode is who leads, or NoNode.
func (c *core) leaderNode() model.NodeID { return nodeOf(c.leader) }

// stored checks that a proposed entry stands where it was decided to be.
func (c *core) stored(entries []*raftpb.Entry) {
	if p := c.pending; p != nil && p.term == c.term && c.leads() {
		if last := entries[len(entries)-1].GetIndex(); last != p.index {
			panic(fmt.Sprintf("quorum: entry decided for index %d stands at %d", p.index, last))
		}
	}
}

// reportSnapshot tells raft what became of a snapshot.
func (c *core) reportSnapshot(id uint64, delivered bool) {
	status := raft.SnapshotFinish
	if !delivered {
		status = raft.SnapshotFailure
	}
	c.node.ReportSnapshot(id, status)
}
