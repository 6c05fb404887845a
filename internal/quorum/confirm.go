package quorum

import (
	"encoding/binary"

	"go.etcd.io/raft/v3"
)

// confirms are the proofs of leadership that are asked for. One round is under
// way; who asks meanwhile waits for the next, since an answer that was sent
// before the question proves nothing.
type confirms struct {
	round   uint64 // the newest
	proving []any  // tokens of the round, while it is under way
	waiting []any  // of the next
	// proved: a majority has answered; the image has to have index then.
	proved bool
	index  uint64
}

// Confirm asks for proof that this node leads, for any number of tokens, of which
// each gets a reply. It comes without an error when a majority of the voters has answered, after the call, that it
// knows of no newer term; and the image then has everything that was committed
// when the call was made. The reply is a *NotLeaderError where leadership is
// lost before; so is the error, and then there are no replies.
//
// # Leases
//
// A controller answers a broker's heartbeat, by which the broker may serve for a
// time L from when it sent it, after a Confirm that began after the heartbeat
// arrived. Then no lease reaches beyond L after the election of a newer
// controller, however long the older one was paused or cut off:
//
// Let the broker send at s, the heartbeat arrive at a, the round of the Confirm
// begin at c; s ≤ a ≤ c. A majority of the voters answered the round after c, in
// the controller's own term, and a voter answers in no term older than its own.
// A controller of a newer term was elected by a majority too, and one voter is in
// both. It voted for the newer after it had answered the round, as from then on
// it would not have answered. So the newer was elected at some e > c ≥ s, and the
// lease ends at s + L < e + L, as the broker's clock counts it. When the answer
// reaches the broker does not matter. A new controller that gives nobody's
// partitions away before L has passed since its election (and what clocks may
// differ by) therefore finds no lease of an older one in force.
//
// Without the Confirm a controller could be paused between a heartbeat's arrival
// and its answer; the same is true of one that has been deposed and has not
// heard so.
func (m *Machine) Confirm(tokens ...any) error {
	if !m.Leads() {
		return &NotLeaderError{Leader: m.Leader()}
	}
	m.confirms.waiting = append(m.confirms.waiting, tokens...)
	m.beginConfirm()
	return nil
}

// beginConfirm begins the next round, if one is to be. It waits for the first
// entry of the term to be applied: before that a leader does not know what is
// committed.
func (m *Machine) beginConfirm() {
	c := &m.confirms
	if len(c.proving) > 0 || len(c.waiting) == 0 || !m.Leads() || m.appliedTerm != m.term {
		return
	}
	c.round++
	c.proving, c.waiting, c.proved = c.waiting, nil, false
	m.node.ReadIndex(binary.BigEndian.AppendUint64(nil, c.round))
}

// confirm returns the replies of a round that is proved, and begins the next.
//
// Raft hands a follower's question on to the leader. It cannot be mistaken for
// this node's own: becomeRole has failed the round by then.
func (m *Machine) confirm(states []raft.ReadState) []Reply {
	c := &m.confirms
	for _, s := range states {
		if len(c.proving) > 0 && len(s.RequestCtx) == 8 && binary.BigEndian.Uint64(s.RequestCtx) == c.round {
			c.proved, c.index = true, s.Index
		}
	}
	var replies []Reply
	if len(c.proving) > 0 && c.proved && m.applied >= c.index {
		replies = repliesTo(c.proving, nil)
		c.proving, c.proved = nil, false
	}
	m.beginConfirm()
	return replies
}

// fail ends all that is asked.
func (c *confirms) fail(err error) []Reply {
	replies := append(repliesTo(c.proving, err), repliesTo(c.waiting, err)...)
	c.proving, c.waiting, c.proved = nil, nil, false
	return replies
}

func repliesTo(tokens []any, err error) []Reply {
	replies := make([]Reply, len(tokens))
	for i, t := range tokens {
		replies[i] = Reply{Token: t, Err: err}
	}
	return replies
}
