package membership

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/quorum"
)

// latency is how long a message is under way.
const latency = time.Millisecond

// network connects nodes in memory, in a bubble of synctest. What is sent arrives in
// order, unless it is lost.
type network struct {
	mu    sync.Mutex
	nodes map[model.NodeID]*node
	cut   map[model.NodeID]bool // nothing of it arrives, and nothing reaches it
	// mute: answers to requests of a kind do not arrive any more.
	mute map[peer.Kind]bool
	sent map[peer.Kind]int // requests that have arrived
	// apart are pairs between which nothing arrives, in either direction.
	apart map[[2]model.NodeID]bool
	// lose, where not nil, picks raft's messages that are lost.
	lose func(*quorum.Message) bool
	// speaks is the version of the protocol that nodes speak.
	speaks model.Protocol
	wire   map[[2]model.NodeID]chan func()
}

func newNetwork() *network {
	return &network{
		nodes: make(map[model.NodeID]*node), cut: make(map[model.NodeID]bool), apart: make(map[[2]model.NodeID]bool),
		mute: make(map[peer.Kind]bool), speaks: model.NewestProtocol, sent: make(map[peer.Kind]int), wire: make(map[[2]model.NodeID]chan func()),
	}
}

// isolate cuts a node off, or connects it again.
func (w *network) isolate(id model.NodeID, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[id] = cut
}

// part cuts two nodes off from each other.
func (w *network) part(a, b model.NodeID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apart[[2]model.NodeID{a, b}], w.apart[[2]model.NodeID{b, a}] = true, true
}

// loseRaft has some of raft's messages be lost.
func (w *network) loseRaft(which func(*quorum.Message) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = which
}

func (w *network) losesRaft(m *quorum.Message) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lose != nil && w.lose(m)
}

func (w *network) silence(kind peer.Kind, mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mute[kind] = mute
}

func (w *network) arrived(kind peer.Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent[kind]
}

// target is the node that something for it reaches; nil: it is lost. gone: nobody
// listens there.
func (w *network) target(from, to model.NodeID) (n *node, gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = w.nodes[to]
	if w.cut[from] || w.cut[to] || w.apart[[2]model.NodeID{from, to}] {
		return nil, false
	}
	return n, n == nil
}

// loses: answers to a request of a kind do not arrive.
func (w *network) loses(from, to model.NodeID, kind peer.Kind) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mute[kind] || w.cut[from] || w.cut[to] || w.apart[[2]model.NodeID{from, to}]
}

// died: that run of a node is gone.
func (w *network) died(n *node) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[n.id] != n
}

// deliver calls do after the latency, in order.
func (w *network) deliver(from, to model.NodeID, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.wire[[2]model.NodeID{from, to}]
	if c == nil {
		c = make(chan func(), 10_000)
		w.wire[[2]model.NodeID{from, to}] = c
		go func() {
			for do := range c {
				do()
			}
		}()
	}
	arrives := time.Now().Add(latency)
	c <- func() {
		if wait := time.Until(arrives); wait > 0 {
			<-time.After(wait)
		}
		do()
	}
}

// close ends what deliver has begun; nothing is sent any more.
func (w *network) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.wire {
		close(c)
	}
	w.wire = nil
}

// line is the network as a node sees it. It implements Network, and quorum.Transport.
type line struct {
	w    *network
	from model.NodeID
}

// Send implements Network.
func (l line) Send(to model.NodeID, kind peer.Kind, body []byte) {
	l.w.deliver(l.from, to, func() {
		if n, _ := l.w.target(l.from, to); n != nil {
			n.message(l.from, kind, body)
		}
	})
}

// RequestSince implements Network.
func (l line) RequestSince(ctx context.Context, since model.Protocol, to model.NodeID, kind peer.Kind, body []byte) ([]byte, error) {
	if speaks := l.w.speaks; since > speaks {
		return nil, fmt.Errorf("%w: %w", peer.ErrNotSent, &peer.ProtocolError{Node: to, Speaks: speaks, Since: since})
	}
	return l.Request(ctx, to, kind, body)
}

// Request implements Network.
func (l line) Request(ctx context.Context, to model.NodeID, kind peer.Kind, body []byte) ([]byte, error) {
	type answer struct {
		body []byte
		err  error
	}
	done := make(chan answer, 1)
	if _, gone := l.w.target(l.from, to); gone {
		return nil, fmt.Errorf("ask node %d: %w", to, peer.ErrNotSent)
	}
	go func() {
		<-time.After(latency)
		n, gone := l.w.target(l.from, to)
		switch {
		case gone:
			done <- answer{err: peer.ErrLost}
			return
		case n == nil:
			return // no answer comes
		}
		l.w.mu.Lock()
		l.w.sent[kind]++
		l.w.mu.Unlock()
		body, err := n.request(ctx, l.from, kind, body)
		<-time.After(latency)
		for l.w.loses(l.from, to, kind) && !l.w.died(n) && ctx.Err() == nil {
			<-time.After(latency) // no answer comes, and the connection lives
		}
		switch {
		case ctx.Err() != nil:
		case l.w.died(n), l.w.loses(l.from, to, kind):
			done <- answer{err: peer.ErrLost}
		case err != nil:
			done <- answer{err: &peer.RemoteError{Node: to, Text: err.Error()}}
		default:
			done <- answer{body: body}
		}
	}()
	select {
	case a := <-done:
		return a.body, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", peer.ErrLost, ctx.Err())
	}
}

// Probe implements Network.
func (l line) Probe(ctx context.Context, to model.NodeID) error {
	n, gone := l.w.target(l.from, to)
	switch {
	case gone:
		return peer.ErrRefused
	case n == nil:
		<-ctx.Done()
		return ctx.Err()
	}
	<-time.After(latency)
	return nil
}

// raft takes raft's messages: it is the quorum's Transport.
type raft struct{ line }

// Send implements quorum.Transport.
func (r raft) Send(messages []*quorum.Message) {
	for _, m := range messages {
		to, copied := quorum.NodeOf(m.GetTo()), proto.CloneOf(m)
		if r.w.losesRaft(m) {
			continue
		}
		r.w.deliver(r.from, to, func() {
			if n, _ := r.w.target(r.from, to); n != nil {
				_ = n.quorum.Step(context.Background(), copied)
			}
		})
	}
}

// until waits, in the bubble's time, until something is so; false: it is not, after a
// minute.
func until(so func() bool) bool {
	for range 60_000 {
		synctest.Wait()
		if so() {
			return true
		}
		<-time.After(time.Millisecond)
	}
	return false
}

var errNoSuchKind = errors.New("no such kind")
