package peer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// Raft takes raft's messages to other nodes: it is the quorum's Transport. A snapshot
// goes as a request, or as several (pieces.go), so that it is known what has become of
// it, and everything else as messages.
//
// Send is called by the quorum's loop. What there is to report to that loop goes
// through Run: the loop's queue may be full, and only the loop empties it.
type Raft struct {
	network     *Network
	kind, piece Kind
	transfers   atomic.Uint64 // the number of the last message that went in pieces
	arriving    assemblies

	wake chan struct{} // there is something to report; capacity 1
	mu   struct {
		sync.Mutex
		unreachable map[model.NodeID]bool
		snapshots   map[model.NodeID]bool // whether the last one was delivered
	}
}

// Quorum is what Raft needs of a *quorum.Quorum.
type Quorum interface {
	Step(ctx context.Context, message *quorum.Message) error
	ReportSnapshot(ctx context.Context, node model.NodeID, delivered bool) error
	ReportUnreachable(ctx context.Context, node model.NodeID) error
}

// NewRaft makes a Transport over a Network; what it sends is of a kind, and pieces of what
// is too large for one request are of another.
func NewRaft(network *Network, kind, piece Kind) *Raft {
	r := &Raft{network: network, kind: kind, piece: piece, wake: make(chan struct{}, 1)}
	r.transfers.Store(rand.Uint64()) // an earlier run's are not continued
	r.mu.unreachable = make(map[model.NodeID]bool)
	r.mu.snapshots = make(map[model.NodeID]bool)
	return r
}

// Send implements quorum.Transport.
func (r *Raft) Send(messages []*quorum.Message) {
	for _, m := range messages {
		to := quorum.NodeOf(m.GetTo())
		body, err := proto.Marshal(m)
		if err != nil {
			panic(fmt.Sprintf("BUG: a raft message cannot be encoded: %v", err))
		}
		switch {
		case !quorum.IsSnapshot(m):
			r.network.send(to, r.kind, body, func() { r.lost(to) })
		case !r.network.spawn(func(ctx context.Context) { r.sendSnapshot(ctx, to, body) }):
			r.snapshotSent(to, false)
		}
	}
}

func (r *Raft) sendSnapshot(ctx context.Context, to model.NodeID, body []byte) {
	err := r.deliver(ctx, to, body)
	if err != nil {
		r.network.logger.Info("A metadata snapshot was not delivered", "node", to, "bytes", len(body), "err", err)
	}
	r.snapshotSent(to, err == nil)
}

// deliver returns when the node has taken a message.
func (r *Raft) deliver(ctx context.Context, to model.NodeID, body []byte) error {
	if len(body) <= wholeBytesMax {
		_, err := r.network.Request(ctx, to, r.kind, body)
		return err
	}
	if len(body) > messageBytesMax {
		return ErrTooLarge
	}
	for p := range split(r.transfers.Add(1), body) {
		if _, err := r.network.Request(ctx, to, r.piece, p.append(make([]byte, 0, pieceHeaderBytes+len(p.bytes)))); err != nil {
			return err
		}
	}
	return nil
}

// TakePiece takes a request of a piece, which has come from a node: with the last one the
// quorum gets the message, as by StepRaft.
func (r *Raft) TakePiece(ctx context.Context, q Quorum, from model.NodeID, body []byte) error {
	p, err := decodePiece(body)
	if err != nil {
		return fmt.Errorf("node %d: %w", from, err)
	}
	message, err := r.arriving.add(from, p)
	if err != nil {
		return fmt.Errorf("node %d: %w", from, err)
	}
	if message == nil {
		return nil
	}
	return StepRaft(ctx, q, from, message)
}

// Lost tells that a node's connection has ended: it begins again with what it was sending.
func (r *Raft) Lost(node model.NodeID) { r.arriving.drop(node) }

func (r *Raft) lost(node model.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.unreachable[node] = true
	poke(r.wake)
}

func (r *Raft) snapshotSent(node model.NodeID, delivered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.snapshots[node] = delivered
	poke(r.wake)
}

// Run reports to the quorum what has become of its messages, until ctx ends or the
// quorum does. It is needed beside the quorum's own Run.
func (r *Raft) Run(ctx context.Context, q Quorum) error {
	for {
		select {
		case <-r.wake:
		case <-ctx.Done():
			return nil
		}
		r.mu.Lock()
		unreachable, snapshots := r.mu.unreachable, r.mu.snapshots
		r.mu.unreachable, r.mu.snapshots = make(map[model.NodeID]bool), make(map[model.NodeID]bool)
		r.mu.Unlock()
		for node := range unreachable {
			if q.ReportUnreachable(ctx, node) != nil {
				return nil //nolint:nilerr // it has ended, and that is its own affair
			}
		}
		for node, delivered := range snapshots {
			if q.ReportSnapshot(ctx, node, delivered) != nil {
				return nil //nolint:nilerr // as above
			}
		}
	}
}

// StepRaft gives the quorum a message that has come from a node, in either way. It
// waits while many are queued there. The error is of what cannot have been sent by
// that node's quorum, or of the end of ctx or the quorum.
func StepRaft(ctx context.Context, q Quorum, from model.NodeID, body []byte) error {
	m := new(quorum.Message)
	if err := proto.Unmarshal(body, m); err != nil {
		return fmt.Errorf("raft message of node %d: %w", from, err)
	}
	if sender := quorum.NodeOf(m.GetFrom()); sender != from {
		return fmt.Errorf("raft message of node %d: it says it is of node %d", from, sender)
	}
	return q.Step(ctx, m)
}
