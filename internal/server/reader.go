package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// readRequests reads frames and starts their requests until the connection ends.
func (c *conn) readRequests() *endError {
	for {
		size, end := c.readSize()
		if end != nil {
			return end
		}
		f, end := c.readFrame(size)
		if end != nil {
			return end
		}
		if end := c.start(f, size); end != nil {
			f.discard(c.server)
			return end
		}
	}
}

// readSize waits for the next frame and returns its length, which is within the
// limits.
func (c *conn) readSize() (int, *endError) {
	var began time.Time // when the first byte came
	for got := 0; got < len(c.prefix); {
		deadline := c.idleDeadline()
		if got > 0 {
			deadline = began.Add(c.server.limits.FrameStallMax)
		}
		n, err := c.readSome(c.prefix[got:], deadline)
		if n > 0 {
			if c.lastRead = time.Now(); got == 0 {
				began = c.lastRead
			}
			got += n
			continue
		}
		if got > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, readEnd(err)
		}
		if c.unanswered.Load() == 0 && !time.Now().Before(c.idleDeadline()) {
			return 0, &endError{ClosedIdle, fmt.Errorf("nothing read or written for %v (connections.max.idle.ms)", c.server.limits.IdleMax)}
		}
	}
	if c.state == stateNew {
		if end := recognise(c.prefix); end != nil {
			return 0, end
		}
	}
	size, err := wire.FrameSize(c.prefix, c.server.limits.FrameBytesMax)
	if e, ok := errors.AsType[*wire.FrameSizeError](err); ok && e.Size > e.Max {
		return 0, &endError{ClosedTooLarge, fmt.Errorf("%w (socket.request.max.bytes)", err)}
	}
	if err != nil {
		return 0, &endError{ClosedMalformed, err}
	}
	return size, nil
}

// idleDeadline is when the connection has been idle for too long; zero for
// never. It lies in the future where a request is unanswered.
func (c *conn) idleDeadline() time.Time {
	idleMax := c.server.limits.IdleMax
	if idleMax < 0 {
		return time.Time{}
	}
	last := c.lastRead
	if w := time.Unix(0, c.lastWrite.Load()); w.After(last) {
		last = w
	}
	if now := time.Now(); c.unanswered.Load() > 0 && now.After(last) {
		last = now
	}
	return last.Add(idleMax)
}

// readFrame reads the size bytes of a frame into a buffer that grows as they
// arrive.
func (c *conn) readFrame(size int) (*inflight, *endError) {
	s := c.server
	f := &inflight{claim: claim{budget: s.budgetFor(size)}}
	began, got := c.lastRead, 0
	for {
		waited, err := f.grow(c, nextBufferBytes(len(f.buf), size))
		if err != nil {
			return nil, f.abandon(s, err)
		}
		began = began.Add(waited) // the client is not to blame for our wait
		for end := min(len(f.buf), size); got < end; {
			n, err := c.readSome(f.buf[got:end], s.limits.frameDeadline(began, time.Now(), got))
			if n == 0 && err != nil {
				return nil, f.abandon(s, readEnd(err))
			}
			got += n
		}
		if got == size {
			c.lastRead = time.Now()
			s.counters.bytesRead.Add(int64(len(c.prefix) + size))
			return f, nil
		}
		if c.state == stateNew && size > s.limits.FirstFrameBytesMax && !c.tryIdentify(f.buf[:got]) {
			return nil, f.abandon(s, &endError{ClosedTooLarge, fmt.Errorf(
				"first frame of %d bytes exceeds the limit of %d (sasl.server.max.receive.size), and does not begin like a request", size, s.limits.FirstFrameBytesMax)})
		}
	}
}

// tryIdentify reports whether a frame that begins with head is a request that is
// served, and if so takes that for identification enough.
//
// Old clients begin with any request, without ApiVersions; sarama may begin with
// a Produce of any size. So a large first frame is not refused for its size
// alone. A header that does not fit into the first buffer is.
func (c *conn) tryIdentify(head []byte) bool {
	h, _, err := wire.ParseHeader(head)
	if err != nil || !c.server.handler.Accepts(h.Key, h.Version) {
		return false
	}
	c.becomeIdentified(model.AnonymousPrincipal())
	return true
}

// start hands a whole frame to the handler, and its reply to the writer.
func (c *conn) start(f *inflight, size int) *endError {
	h, body, err := wire.ParseHeader(f.buf[:size])
	if err != nil {
		return &endError{ClosedMalformed, err}
	}
	if c.state == stateNew && c.server.handler.Accepts(h.Key, h.Version) {
		c.becomeIdentified(model.AnonymousPrincipal())
	}
	f.req = Request{
		Key: h.Key, Version: h.Version, CorrelationID: h.CorrelationID, ClientID: c.keepClientID(h.ClientID),
		Body: body, Conn: c.info, Received: c.lastRead, buffers: &c.server.buffers, sendsFiles: c.socket != nil,
	}
	c.server.counters.requests.Add(1)
	if f.reply, err = c.callStart(&f.req); err != nil {
		return asEnd(err)
	}
	if c.queue == nil {
		c.queue = make(chan *inflight, c.server.limits.PipelineMax)
		c.written = make(chan struct{})
		go c.writeReplies()
	}
	c.unanswered.Add(1)
	// No way out of this wait is needed: the writer takes from the queue until
	// it is closed, whatever becomes of the connection.
	c.queue <- f
	return nil
}

func (c *conn) callStart(r *Request) (reply Reply, err error) {
	defer c.recovered(r, &err)
	return c.server.handler.Start(c.ctx, r)
}

func (c *conn) keepClientID(id []byte) string {
	if string(id) == c.clientID {
		return c.clientID
	}
	s := string(id)
	if len(s) <= clientIDKeptMax {
		c.clientID = s
	}
	return s
}

// readSome reads what there is, waiting until deadline.
func (c *conn) readSome(p []byte, deadline time.Time) (int, error) {
	if err := c.nc.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	if c.server.draining.Load() { // see Server.draining
		return 0, errDrain
	}
	n, err := c.nc.Read(p)
	if n == 0 && err != nil && c.server.draining.Load() {
		return 0, errDrain
	}
	return n, err
}

// readEnd says why a read that failed ends the connection.
func readEnd(err error) *endError {
	switch {
	case errors.Is(err, errDrain):
		return &endError{ClosedDrained, err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &endError{ClosedSlowFrame, errors.New("a request did not arrive in time")}
	case errors.Is(err, io.EOF):
		return &endError{ClosedByPeer, io.EOF}
	default:
		return &endError{ClosedByPeer, err}
	}
}

// asEnd is why an error of the handler ends the connection.
func asEnd(err error) *endError {
	if e, ok := errors.AsType[*endError](err); ok {
		return e
	}
	return &endError{ClosedByHandler, err}
}

// frameDeadline is until when the next byte of a frame must come, of which got
// have: within FrameStallMax, and so that the rate since it began is kept.
func (l *Limits) frameDeadline(began, now time.Time, got int) time.Time {
	earned := time.Duration(got) * time.Second / time.Duration(l.FrameBytesPerSecondMin)
	if d := began.Add(l.FrameStallMax + earned); d.Before(now.Add(l.FrameStallMax)) {
		return d
	}
	return now.Add(l.FrameStallMax)
}

// grow replaces the frame's buffer by one of n bytes with the same content, and
// returns how long it had to wait for the memory. Both buffers are reserved while
// there are two.
func (f *inflight) grow(c *conn, n int) (waited time.Duration, end *endError) {
	asked := time.Now()
	switch err := f.claim.reserve(c.ctx, int64(n), c.server.limits.RequestMemoryWaitMax); {
	case errors.Is(err, errMemoryWait):
		return 0, &endError{ClosedMemoryWait, err}
	case err != nil: // the connection has ended by itself
		return 0, &endError{ClosedByPeer, err}
	}
	old := f.buf
	f.buf = c.server.buffers.get(n)
	if len(old) > 0 {
		copy(f.buf, old)
		c.server.buffers.put(old)
		f.claim.release(int64(len(old)))
	}
	return time.Since(asked), nil
}

// discard gives back the frame's buffer. The Request may live on, without Body.
func (f *inflight) discard(s *Server) {
	n := int64(len(f.buf))
	s.buffers.put(f.buf)
	f.buf, f.req.Body = nil, nil
	f.claim.release(n)
}

// abandon discards a frame that will not be answered, and returns why.
func (f *inflight) abandon(s *Server, end *endError) *endError {
	f.discard(s)
	return end
}

// recognise tells well-known strangers by the first four bytes of a connection.
// As lengths they would mean more than 300 MiB.
func recognise(prefix [4]byte) *endError {
	switch string(prefix[:]) {
	case "GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI ":
		return &endError{ClosedHTTP, errors.New("an HTTP request")}
	}
	if prefix[0] == 0x16 && prefix[1] == 3 && prefix[2] <= 4 { // handshake record, SSL 3.0 … TLS 1.3
		return &endError{ClosedTLS, errors.New("a TLS handshake")}
	}
	return nil
}
