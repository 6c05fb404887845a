package peer

import (
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/model"
)

// link leads to one node: what waits to be sent there, and who waits for answers.
//
//	       something to send          accepted
//	idle ───────────────────▶ dialing ────────▶ connected
//	  ▲                          │ failed           │ ended
//	  │                          ▼                  │
//	  └─────────────────────── pause ◀──────────────┘
//	   after a while, or when the node is seen
//
// What is queued when a dial fails or a connection ends is dropped: its senders
// repeat what matters, and know better than a queue what still does.
type link struct {
	n  *Network
	to model.NodeID
	// slots has one in it for each request that is queued or may not have been
	// answered; capacity requestsMax.
	slots   chan struct{}
	wake    chan struct{} // something is queued; capacity 1
	seen    chan struct{} // the node has been heard of: dial now; capacity 1
	stopped chan struct{} // closed when nothing is taken any more
	dropped atomic.Int64  // messages

	mu struct {
		sync.Mutex
		queue     []outgoing
		bytes     int // of their bodies
		calls     map[uint64]*call
		lastID    uint64
		connected bool
		refused   bool // when it was last dialed nobody listened there
		ended     bool // nothing is taken any more
	}
}

// outgoing is a frame that waits to be written.
type outgoing struct {
	head
	body    []byte
	call    *call          // of a request
	since   model.Protocol // that the request came with
	dropped func()         // of a message; or nil
}

// drop ends a message that will not be sent; l may be nil.
func (f *outgoing) drop(l *link) {
	if l != nil {
		l.dropped.Add(1)
	}
	if f.dropped != nil {
		f.dropped()
	}
}

func dropAll(l *link, frames []outgoing) {
	for i := range frames {
		if f := &frames[i]; f.typ == frameMessage {
			f.drop(l)
		}
	}
}

func newLink(n *Network, to model.NodeID) *link {
	l := &link{
		n: n, to: to, slots: make(chan struct{}, requestsMax),
		wake: make(chan struct{}, 1), seen: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	l.mu.calls = make(map[uint64]*call)
	return l
}

// put queues a frame, or returns false where there is no room.
func (l *link) put(f outgoing) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.putLocked(f)
}

func (l *link) putLocked(f outgoing) bool {
	waiting := len(l.mu.queue)
	if l.mu.ended || waiting >= queueFramesMax || waiting > 0 && l.mu.bytes+len(f.body) > queueBytesMax {
		return false
	}
	l.mu.queue, l.mu.bytes = append(l.mu.queue, f), l.mu.bytes+len(f.body)
	poke(l.wake)
	return true
}

// poke puts one into a channel of capacity 1.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take takes all that is queued and that the node knows, and leaves the empty batch in
// its place. Requests that are in it may have been sent from now on.
func (l *link) take(batch []outgoing, speaks model.Protocol) []outgoing {
	l.mu.Lock()
	defer l.mu.Unlock()
	if speaks < model.NewestProtocol {
		l.refuse(speaks)
	}
	batch, l.mu.queue = l.mu.queue, batch
	for i := range batch {
		if c := batch[i].call; c != nil {
			c.sent = true
		}
	}
	return batch
}

// written makes room for what took the place of n bytes.
func (l *link) written(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.bytes -= n
}

func (l *link) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.queue) > 0
}
