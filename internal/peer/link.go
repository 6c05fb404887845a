package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// link leads to one node: what waits to be sent there, and who waits for answers.
//
//	          something to send          accepted
//	idle ─────────────────────▶ dialing ──────────▶ connected
//	 ▲  ▲                        │    ▲                 │
//	 │  │                failure ▼    │ after a while   │
//	 │  └─ nothing to send ─── waiting, or seen         │
//	 └──────────────────────────────────────────────────┘ connection ended
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
		ended     bool // nothing is taken any more
	}
}

// outgoing is a frame that waits to be written.
type outgoing struct {
	head
	body    []byte
	call    *call  // of a request
	dropped func() // of a message; or nil
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

// take takes all that is queued, and leaves the empty batch in its place. Requests
// that are in it may have been sent from now on.
func (l *link) take(batch []outgoing) []outgoing {
	l.mu.Lock()
	defer l.mu.Unlock()
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

// run dials where there is something to send, and sends it.
func (l *link) run(ctx context.Context) {
	defer l.end()
	backoff := redialMin
	reported := "none" // why the node cannot be reached, as far as has been logged
	for ctx.Err() == nil {
		if !l.waiting() {
			select {
			case <-l.wake:
			case <-ctx.Done():
			}
			continue
		}
		began := time.Now()
		conn, peer, err := l.n.connect(ctx, l.to, PurposeLink)
		if err == nil {
			reported = "none"
			l.n.logger.Info("Connected to a node", "node", l.to, "incarnation", peer.Incarnation)
			err = l.serve(ctx, conn)
		}
		if ctx.Err() != nil {
			return
		}
		reported = l.report(err, reported)
		l.fail(err)
		if time.Since(began) > handshakeMax {
			backoff = redialMin // it was connected, or has waited long enough
		}
		if l.pause(ctx, backoff) {
			backoff = min(2*backoff, redialMax)
		}
	}
}

// report logs why there is no connection, where it is another reason than before.
func (l *link) report(err error, before string) string {
	if r, ok := errors.AsType[*Rejection](err); ok {
		if r.Reason != before {
			l.n.logger.Warn("A node does not accept this one", "node", l.to, "reason", r.Reason, "final", r.Final)
		}
		return r.Reason
	}
	if before != "" {
		l.n.logger.Info("Not connected to a node, trying again", "node", l.to, "err", err)
	}
	return ""
}

// pause waits for backoff and up to half as much again, so that nodes do not dial in
// step. It returns false where it ends early: the node has been seen, or ctx ended.
func (l *link) pause(ctx context.Context, backoff time.Duration) bool {
	t := time.NewTimer(backoff + rand.N(backoff/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.seen:
	case <-ctx.Done():
	}
	return false
}

// serve writes until the connection ends, and returns why.
func (l *link) serve(ctx context.Context, conn net.Conn) error {
	l.setConnected(true)
	defer l.setConnected(false)
	ended := make(chan error, 1)
	l.n.running.Go(func() { // this goroutine is one of those waited for
		ended <- l.read(conn)
		l.n.drop(conn)
	})
	err := l.write(ctx, conn, ended)
	l.n.drop(conn)
	if why := <-ended; err == nil || errors.Is(err, net.ErrClosed) {
		return why
	}
	return err
}

func (l *link) setConnected(connected bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.connected = connected
}

// write writes what is queued, and heartbeats. It returns nil where the reader has
// ended; what it received is put back for who waits for it.
func (l *link) write(ctx context.Context, conn net.Conn, ended chan error) error {
	w := newFrameWriter(conn)
	heartbeat := time.NewTimer(heartbeatInterval)
	defer heartbeat.Stop()
	var batch []outgoing
	for {
		batch = l.take(batch[:0])
		if len(batch) == 0 {
			select {
			case <-l.wake:
				continue
			case <-heartbeat.C:
				batch = append(batch, outgoing{head: head{typ: frameHeartbeat}})
			case err := <-ended:
				ended <- err
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		heartbeat.Reset(heartbeatInterval)
		if err := l.writeBatch(w, batch); err != nil {
			return err
		}
		clear(batch)
	}
}

func (l *link) writeBatch(w *frameWriter, batch []outgoing) error {
	size := 0
	for i := range batch {
		size += len(batch[i].body)
	}
	err := writeAll(w, batch)
	l.written(size)
	if err != nil {
		dropAll(l, batch)
	}
	return err
}

func writeAll(w *frameWriter, batch []outgoing) error {
	for i := range batch {
		if err := w.frame(batch[i].head, batch[i].body); err != nil {
			return err
		}
	}
	return w.flush()
}

func dropAll(l *link, frames []outgoing) {
	for i := range frames {
		if f := &frames[i]; f.typ == frameMessage {
			f.drop(l)
		}
	}
}

// read takes answers until the connection ends.
func (l *link) read(conn net.Conn) error {
	r := newFrameReader(conn, BodyBytesMax)
	for {
		h, err := r.head()
		if err != nil {
			return err
		}
		switch h.typ {
		case frameHeartbeat:
			continue
		case frameAnswer, frameFailure:
		default:
			return fmt.Errorf("%w: type %d from who was dialed", errFrame, h.typ)
		}
		body, err := r.body(h, nil)
		if err != nil {
			return err
		}
		a := answer{body: body}
		if h.typ == frameFailure {
			a = answer{err: &RemoteError{Node: l.to, Text: string(body)}}
		}
		if !l.answered(h.id, a) {
			return fmt.Errorf("%w: an answer to nothing", errFrame)
		}
	}
}
