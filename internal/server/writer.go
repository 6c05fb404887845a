package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// writeChunkBytes is what one write deadline covers, so that a response of
	// any size may take its time as long as the client takes some of it. After as
	// much of responses with a Request.GiveWay that is called.
	writeChunkBytes = 256 << 10
	// heldBytesMax is how much is held back at most to be written together.
	heldBytesMax = 64 << 10
	// smallResponseBytes is room for most responses that carry no records.
	smallResponseBytes = 512
	// frameSizeBytes is the length before each response.
	frameSizeBytes = 4
	// responseBytesMin is the shortest response: its correlation id.
	responseBytesMin = 4
)

// writeReplies is the connection's writer. It goes on until the reader has closed
// the queue: also after the connection has failed, since each Reply must be
// called once.
func (c *conn) writeReplies() {
	defer close(c.written)
	for {
		f, ok := c.nextReply()
		if !ok {
			return
		}
		c.answer(f)
	}
}

// nextReply takes the next request, writing what is held back before it waits for
// one. It returns false at the end of the queue, with everything written.
func (c *conn) nextReply() (*inflight, bool) {
	select {
	case f, ok := <-c.queue:
		if ok {
			return f, true
		}
	default:
	}
	c.out.Lock()
	c.writeLocked()
	c.releaseLocked()
	c.out.Unlock()
	f, ok := <-c.queue
	return f, ok
}

// answer calls a reply and holds its response back for writing.
func (c *conn) answer(f *inflight) {
	c.out.Lock()
	if c.out.buf == nil {
		c.out.buf = c.server.buffers.get(bufferBytesMin)[:0]
	}
	held := c.out.buf
	if room := cap(held) - len(held); room < smallResponseBytes { // or append would, and leave garbage
		c.out.buf = c.server.buffers.grow(held, smallResponseBytes)
		c.server.buffers.put(held)
		held = c.out.buf
	}
	c.out.Unlock()

	var size [frameSizeBytes]byte
	result, err := c.callReply(f, append(held, size[:]...))
	correlationID, onWritten, giveWay, inserts := f.req.CorrelationID, f.req.OnWritten, f.req.GiveWay, f.req.inserts
	f.discard(c.server)
	// In this order, or the connection would look idle for a moment.
	c.lastWrite.Store(time.Now().UnixNano())
	c.unanswered.Add(-1)

	c.out.Lock()
	defer c.out.Unlock()
	if onWritten != nil {
		c.out.onWritten = append(c.out.onWritten, onWritten)
	}
	if giveWay != nil {
		c.out.giveWay = giveWay
	}
	if err == nil && result != nil {
		err = checkResponse(result, len(held), correlationID)
	}
	switch {
	case err != nil:
		c.writeLocked() // what came before is not at fault
		c.fail(asEnd(err))
	case result != nil:
		o := &c.out.outgoing
		before := o.inserted
		o.insertAll(inserts)
		binary.BigEndian.PutUint32(result[len(held):], uint32(len(result)-len(held)-frameSizeBytes+o.inserted-before))
		if &held[:1][0] != &result[0] {
			c.server.buffers.put(held)
		}
		c.out.buf = result
	}
	if c.out.left() >= heldBytesMax || c.ctx.Err() != nil {
		c.writeLocked()
		c.releaseLocked()
	}
}

func (c *conn) callReply(f *inflight, dst []byte) (result []byte, err error) {
	defer c.recovered(&f.req, &err)
	return f.reply(&c.replyCtx, dst)
}

// checkResponse catches a handler that answers something else than it was asked:
// a response under a wrong correlation id is worse for the client than none.
func checkResponse(result []byte, start int, correlationID int32) error {
	if len(result) < start+frameSizeBytes+responseBytesMin {
		return errors.New("the handler's response is shorter than a correlation id")
	}
	if got := int32(binary.BigEndian.Uint32(result[start+frameSizeBytes:])); got != correlationID {
		return fmt.Errorf("the handler's response has correlation id %d instead of %d", got, correlationID)
	}
	return nil
}

// writeLocked writes what is held back. After an error nothing is written any
// more. Either way nothing waits to be written when it returns.
func (c *conn) writeLocked() {
	o := &c.out
	defer func() {
		for _, f := range o.onWritten {
			f()
		}
		o.onWritten, o.giveWay = nil, nil
	}()
	for o.left() > 0 && c.ctx.Err() == nil {
		if o.giveWay != nil && o.unyielded >= writeChunkBytes {
			o.unyielded = 0
			o.giveWay()
		}
		now := time.Now()
		var n int64
		err := c.nc.SetWriteDeadline(now.Add(c.server.limits.WriteStallMax))
		if err == nil {
			n, err = o.send(c.nc, c.socket, writeChunkBytes)
		}
		c.server.counters.bytesWritten.Add(n)
		if o.giveWay != nil {
			o.unyielded += n
		}
		c.lastWrite.Store(now.UnixNano())
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.fail(&endError{ClosedSlowReader, fmt.Errorf("responses were not read for %v", c.server.limits.WriteStallMax)})
		case err != nil:
			c.fail(&endError{ClosedByPeer, err})
		}
	}
}

// releaseLocked gives the buffer back: a connection that waits for its client, or
// in a long poll, holds none of any size.
func (c *conn) releaseLocked() {
	if buf := c.out.reset(); buf != nil {
		c.server.buffers.put(buf)
	}
}

// replyContext is the context of replies: it ends with the connection, and being
// asked for Done it takes as the announcement that the reply is about to wait.
// Then the responses before it must not wait with it.
type replyContext struct {
	context.Context
	conn *conn
}

func (r *replyContext) Done() <-chan struct{} {
	r.conn.out.Lock()
	r.conn.writeLocked()
	r.conn.out.Unlock()
	return r.Context.Done()
}
