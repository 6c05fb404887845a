package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// inbound is an accepted link. A node has one at a time: a newer one ends the older,
// and begins when nothing of the older is read any more, so that messages stay in
// order.
type inbound struct {
	n     *Network
	conn  net.Conn
	from  Hello
	wake  chan struct{} // an answer is queued; capacity 1
	ended chan struct{} // closed when nothing is read any more

	mu struct {
		sync.Mutex
		answers []outgoing
		// requests are those whose answers have not been begun to be written.
		requests map[uint64]context.CancelFunc
	}
}

// serveLink is the life of an accepted link.
func (n *Network) serveLink(ctx context.Context, conn net.Conn, from Hello) {
	in := &inbound{n: n, conn: conn, from: from, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	in.mu.requests = make(map[uint64]context.CancelFunc)
	defer close(in.ended)
	n.mu.Lock()
	older := n.mu.inbound[from.Node]
	n.mu.inbound[from.Node] = in
	n.mu.Unlock()
	if older != nil {
		n.drop(older.conn)
		<-older.ended
	}
	defer n.forget(in)
	if err := n.welcome(conn, &from); err != nil {
		n.logger.Debug("a connection to the cluster port was closed", "node", from.Node, "err", err)
		return
	}
	n.seen(from.Node)
	n.logger.Info("A node has connected", "node", from.Node, "incarnation", from.Incarnation)
	err := in.serve(ctx)
	if ctx.Err() != nil {
		return
	}
	n.logger.Info("A node's connection ended", "node", from.Node, "err", err)
	n.o.Handler.Lost(from.Node)
}

func (n *Network) forget(in *inbound) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.inbound[in.from.Node] == in {
		delete(n.mu.inbound, in.from.Node)
	}
}

// serve reads until the connection ends, and returns why.
func (in *inbound) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	in.n.running.Go(func() { // this goroutine is one of those waited for
		failed <- in.write(ctx)
		in.n.drop(in.conn)
	})
	err := in.read(ctx)
	cancel()
	in.n.drop(in.conn)
	if why := <-failed; why != nil && errors.Is(err, net.ErrClosed) {
		return why
	}
	return err
}

func (in *inbound) read(ctx context.Context) error {
	r := newFrameReader(in.conn, BodyBytesMax)
	for {
		h, err := r.head()
		if err != nil {
			return err
		}
		if h.typ != frameHeartbeat && h.typ != frameMessage && h.typ != frameRequest && h.typ != frameCancel {
			return fmt.Errorf("%w: type %d from who dialed", errFrame, h.typ)
		}
		body, err := r.body(h, nil)
		if err != nil {
			return err
		}
		switch h.typ {
		case frameMessage:
			in.n.o.Handler.Message(in.from.Node, h.kind, body)
		case frameRequest:
			if err := in.begin(ctx, h, body); err != nil {
				return err
			}
		case frameCancel:
			in.cancel(h.id)
		default:
		}
	}
}

// begin has a request answered.
func (in *inbound) begin(ctx context.Context, h head, body []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, twice := in.mu.requests[h.id]; twice || len(in.mu.requests) >= requestsMax {
		return fmt.Errorf("%w: request %d is one too many", errFrame, h.id)
	}
	ctx, cancel := context.WithCancel(ctx)
	in.mu.requests[h.id] = cancel
	in.n.running.Go(func() { // the reader is one of those waited for
		defer cancel()
		answer, err := in.n.o.Handler.Request(ctx, in.from.Node, h.kind, body)
		if err == nil && len(answer) > BodyBytesMax {
			err = fmt.Errorf("%w: an answer of %d bytes", ErrTooLarge, len(answer))
		}
		in.answer(h.id, answer, err)
	})
	return nil
}

func (in *inbound) cancel(id uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if cancel := in.mu.requests[id]; cancel != nil {
		cancel()
	}
}

// failureBytesMax bounds the text of an error that is sent.
const failureBytesMax = 32 << 10

func (in *inbound) answer(id uint64, body []byte, err error) {
	f := outgoing{head: head{typ: frameAnswer, id: id, body: len(body)}, body: body}
	if err != nil {
		text := err.Error()
		f.body = []byte(text[:min(len(text), failureBytesMax)])
		f.head = head{typ: frameFailure, id: id, body: len(f.body)}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mu.answers = append(in.mu.answers, f)
	poke(in.wake)
}

// take takes the answers that are queued, and leaves the empty batch in their place.
// Their requests do not count any more: who asks sees an answer before it asks again.
func (in *inbound) take(batch []outgoing) []outgoing {
	in.mu.Lock()
	defer in.mu.Unlock()
	batch, in.mu.answers = in.mu.answers, batch
	for i := range batch {
		delete(in.mu.requests, batch[i].id)
	}
	return batch
}

// write writes answers and heartbeats until ctx ends, and then returns nil.
func (in *inbound) write(ctx context.Context) error {
	w := newFrameWriter(in.conn)
	beat := newBeat()
	defer beat.stop()
	var batch []outgoing
	for {
		batch = in.take(batch[:0])
		if len(batch) > 0 {
			beat.wrote()
		} else {
			select {
			case <-in.wake:
				continue
			case <-beat.due():
				beat.again()
				if !beat.wanted() {
					continue
				}
				batch = append(batch, outgoing{head: head{typ: frameHeartbeat}})
			case <-ctx.Done():
				return nil
			}
		}
		if err := writeAll(w, batch); err != nil {
			return err
		}
		clear(batch)
	}
}
