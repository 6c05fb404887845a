package quorum

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// Tick tells that TickInterval has passed.
func (m *Machine) Tick() {
	m.ticked++
	m.node.Tick()
}

// TicksAhead is how many ticks may be told at once, when all of them have passed,
// and nothing is late: a leader has nothing to do before its next heartbeat, nor a
// follower before it could have missed its leader. 0: Tick need not be called at all,
// which is so where this node is the only member and leads: it never hears of a
// higher term, and has nobody to send heartbeats to.
//
// The ticks are counted from a moment that since stands for. Where it is another at a
// later call, the leader has been heard of or the role is another, and what has passed
// before does not count any more.
func (m *Machine) TicksAhead() (ticks int, since uint64) {
	switch {
	case m.Leads() && m.Alone():
		return 0, m.rests
	case m.Leads():
		return heartbeatTicks - m.ticked%heartbeatTicks, m.rests
	case m.Refuses():
		return max(1, electionTicks-m.ticked), m.rests
	default: // an election is under way, or to come
		return 1, m.rests
	}
}

// rest begins to count ticks anew. It does so where raft does, or later: then the clock
// is told of fewer ticks than have passed, and the next ones come one by one.
func (m *Machine) rest() { m.ticked, m.rests = 0, m.rests+1 }

// noteHeard rests where a message was its leader's, from which on raft counts too.
func (m *Machine) noteHeard(message *Message) {
	switch message.GetType() {
	case raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgSnap:
	default:
		return
	}
	if now := m.node.BasicStatus(); now.RaftState == raft.StateFollower && message.GetTerm() == now.GetTerm() {
		m.rest()
	}
}
