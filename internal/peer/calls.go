package peer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// call is a request, from its queueing until the node can have no more to do with it.
type call struct {
	id   uint64
	done chan answer // capacity 1
	// sent and given are under link.mu. sent: it may have been written. given: nobody
	// waits for the answer any more.
	sent, given bool
}

type answer struct {
	body []byte
	err  error
}

var errQueueFull = errors.New("too much waits to be sent already")

func notSent(cause error) error { return fmt.Errorf("%w: %w", ErrNotSent, cause) }
func lost(cause error) error    { return fmt.Errorf("%w: %w", ErrLost, cause) }

// request queues a request and waits for the answer.
func (l *link) request(ctx context.Context, since model.Protocol, kind Kind, body []byte) ([]byte, error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, notSent(ctx.Err())
	case <-l.stopped:
		return nil, notSent(ErrStopped)
	}
	c := &call{done: make(chan answer, 1)}
	if err := l.queueCall(c, since, kind, body); err != nil {
		<-l.slots
		return nil, notSent(err)
	}
	select {
	case a := <-c.done:
		return a.body, a.err
	case <-ctx.Done():
		return l.giveUp(c, ctx.Err())
	}
}

func (l *link) queueCall(c *call, since model.Protocol, kind Kind, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.ended {
		return ErrStopped
	}
	l.mu.lastID++
	c.id = l.mu.lastID
	f := outgoing{head: head{typ: frameRequest, kind: kind, id: c.id, body: len(body)}, body: body, call: c, since: since}
	if !l.putLocked(f) {
		return errQueueFull
	}
	l.mu.calls[c.id] = c
	return nil
}

// giveUp ends a call that nobody waits for any more, unless it has its answer.
func (l *link) giveUp(c *call, cause error) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case a := <-c.done:
		return a.body, a.err
	default:
	}
	c.given = true
	if c.sent {
		// Its slot is free when the node has answered: until then it counts there too.
		l.putLocked(outgoing{head: head{typ: frameCancel, id: c.id}})
		return nil, lost(cause)
	}
	i := slices.IndexFunc(l.mu.queue, func(f outgoing) bool { return f.call == c })
	l.mu.bytes -= len(l.mu.queue[i].body)
	l.mu.queue = slices.Delete(l.mu.queue, i, i+1)
	delete(l.mu.calls, c.id)
	<-l.slots
	return nil, notSent(cause)
}

// answered gives an answer to who waits for it. It returns false where nothing was
// asked.
func (l *link) answered(id uint64, a answer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.mu.calls[id]
	if c == nil || !c.sent {
		return false
	}
	delete(l.mu.calls, id)
	<-l.slots
	if !c.given {
		c.done <- a
	}
	return true
}

// refuse ends the calls that are queued and came with a later version of the protocol
// than the node speaks. The caller holds mu.
func (l *link) refuse(speaks model.Protocol) {
	l.mu.queue = slices.DeleteFunc(l.mu.queue, func(f outgoing) bool {
		if f.since <= speaks {
			return false
		}
		l.mu.bytes -= len(f.body)
		delete(l.mu.calls, f.call.id)
		<-l.slots
		f.call.done <- answer{err: notSent(&ProtocolError{Node: l.to, Speaks: speaks, Since: f.since})}
		return true
	})
}

// fail ends what is queued or not answered.
func (l *link) fail(cause error) {
	l.mu.Lock()
	queue, calls := l.mu.queue, l.mu.calls
	l.mu.queue, l.mu.bytes, l.mu.calls = nil, 0, make(map[uint64]*call)
	for _, c := range calls {
		<-l.slots
		switch {
		case c.given:
		case c.sent:
			c.done <- answer{err: lost(cause)}
		default:
			c.done <- answer{err: notSent(cause)}
		}
	}
	l.mu.Unlock()
	dropAll(l, queue)
}

// end ends the link for good.
func (l *link) end() {
	l.mu.Lock()
	l.mu.ended = true
	l.mu.Unlock()
	close(l.stopped)
	l.fail(ErrStopped)
}
