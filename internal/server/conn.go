package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// connState is how much a connection may ask for.
//
//	new ──first request of a served key and version──▶ identified ──▶ (closed)
//
//	state       requests are bounded by     entered by
//	new         Limits.FirstFrameBytesMax   newConn
//	identified  Limits.FrameBytesMax        becomeIdentified
//
// A listener that asks for no proof goes by the first request: speaking Kafka's
// protocol is all that tells a client from a scanner, and the principal is
// ANONYMOUS. A client that has proved by a certificate who it is enters identified
// at the end of the TLS handshake, before any request, with that principal. A
// listener that authenticates by requests stays in new until the exchange has
// succeeded.
type connState uint8

const (
	stateNew connState = iota
	stateIdentified
)

// clientIDKeptMax is the longest client id that a connection keeps to spare an
// allocation a request; an idle connection should not hold 32 KiB of name.
const clientIDKeptMax = 256

// conn is one connection.
type conn struct {
	server   *Server
	listener *listener
	nc       net.Conn // where requests come from: transport, or the TLS over it
	// transport is nc below TLS. Closing it waits for nobody; TLS would say goodbye
	// first, for which it may wait for the client.
	transport net.Conn
	socket    syscall.RawConn // nc's, where it can be sent files; else nil
	ip        netip.Addr
	ctx       context.Context // ends with the connection
	cancel    context.CancelCauseFunc
	replyCtx  replyContext // what replies get of ctx

	// The reader's own.
	state    connState
	info     *ConnInfo
	prefix   [4]byte // of the frame that begins
	clientID string  // the last one
	lastRead time.Time

	queue   chan *inflight // from the reader to the writer; nil before the first request
	written chan struct{}  // closed when the writer has ended; nil like queue

	unanswered atomic.Int32 // requests started whose Reply has not returned
	lastWrite  atomic.Int64 // when a reply returned or was written; Unix nanoseconds

	// out holds responses that were not written yet.
	out struct {
		sync.Mutex
		outgoing
		// onWritten are the Request.OnWritten of the responses in it.
		onWritten []func()
		giveWay   func() // Request.GiveWay of one of them; nil: none has any
		unyielded int64  // bytes of such responses since it was last called
	}

	// end is why the connection ended; the first cause counts.
	end struct {
		sync.Mutex
		err *endError // nil: it has not
	}
}

// inflight is a request from its first byte to the return of its Reply.
type inflight struct {
	req   Request
	reply Reply
	buf   []byte // the frame
	claim claim  // of buf
}

// endError says why a connection ends.
type endError struct {
	reason CloseReason
	err    error
}

func (e *endError) Error() string { return e.reason.String() + ": " + e.err.Error() }
func (e *endError) Unwrap() error { return e.err }

var (
	errDrain    = errors.New("the server stops")
	errDrainMax = errors.New("requests not answered in time when the server stopped")
	errPanic    = errors.New("panic in handler")
)

func newConn(ctx context.Context, s *Server, l *listener, nc net.Conn) *conn {
	c := &conn{server: s, listener: l, nc: nc, transport: nc, ip: ipOf(nc.RemoteAddr()), lastRead: time.Now()}
	if l.TLS != nil {
		c.nc = tls.Server(nc, l.TLS)
	}
	c.socket = fileSocket(c.nc)
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.replyCtx = replyContext{c.ctx, c}
	c.info = &ConnInfo{Listener: l.Name, Local: nc.LocalAddr(), Remote: nc.RemoteAddr(), Principal: model.AnonymousPrincipal()}
	return c
}

// becomeIdentified lifts the limit on what the client may send. The ConnInfo is
// replaced, not changed: requests in flight have the old one.
func (c *conn) becomeIdentified(p model.Principal) {
	if c.state != stateNew {
		panic("BUG: connection identified twice")
	}
	c.state = stateIdentified
	if p != c.info.Principal {
		info := *c.info
		info.Principal = p
		c.info = &info
	}
}

// serve is the connection's reader, and its whole life.
func (c *conn) serve() {
	ended := c.handshake()
	if ended == nil {
		ended = c.readRequests()
	}
	midway := c.unanswered.Load() > 0
	switch {
	case errors.Is(ended, io.EOF):
		c.ended(ended)
		gone := time.AfterFunc(halfClosedMax, func() { c.fail(ended) })
		defer gone.Stop()
	case ended.reason.answersEarlier():
		c.ended(ended)
	default:
		c.fail(ended)
	}
	if c.queue != nil {
		close(c.queue)
		<-c.written
	}
	if ended.reason.saysGoodbye() {
		c.goodbye()
	}
	if ended.reason == ClosedDrained && midway {
		c.linger()
	}
	c.fail(ended)
	c.server.unregister(c)
	c.report()
}

// halfClosedMax bounds how long requests are answered of a client that will send no
// more. It may have closed its sending side alone, and read on: Kafka answers it,
// since it does not read from a connection with a request in flight. Or it has
// gone, which looks the same until something is written to it.
const halfClosedMax = 10 * time.Second

// answersEarlier reports whether the requests before the one that ended the
// connection are still answered: the client is there, and did nothing wrong in
// them. (One that is idle waits for none, and may be reading the last.) After it
// the reader has gone, and no longer notices when the client does; the handler's
// own timeouts bound that.
func (r CloseReason) answersEarlier() bool {
	switch r {
	case ClosedDrained, ClosedIdle, ClosedTooLarge, ClosedMalformed, ClosedByHandler, ClosedPanic:
		return true
	default:
		return false
	}
}

// ended records why the connection ends, if nothing else has ended it before.
func (c *conn) ended(e *endError) {
	c.end.Lock()
	defer c.end.Unlock()
	if c.end.err == nil {
		c.end.err = e
	}
}

// fail ends the connection at once: its context, the reader's and the writer's
// I/O. It may be called from any goroutine, and more than once.
func (c *conn) fail(e *endError) {
	c.ended(e)
	c.cancel(e)
	if errors.Is(e, ErrReset) {
		reset(c.transport)
	}
	_ = c.transport.Close() // what could not be written is lost either way
}

// ErrReset is in the error of a Start or a Reply that wants the connection reset, rather
// than closed in order. franz-go takes an orderly end after the first request on a
// connection for a listener that asks for SASL, and gives up what it has to send; a reset
// has it ask another broker.
var ErrReset = errors.New("connection reset")

// reset has the connection end with a reset when it is closed.
func reset(transport net.Conn) {
	if tcp, ok := transport.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is closed either way
	}
}

// lingerMax bounds how long a drained connection waits for its client to close.
const lingerMax = 250 * time.Millisecond

// linger lets the client read the last responses: closing a socket with unread
// requests in it would make the system send a reset, which discards at the client
// what it had not read yet.
func (c *conn) linger() {
	half, ok := c.transport.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.nc.SetReadDeadline(time.Now().Add(lingerMax)) != nil {
		return
	}
	buf := c.server.buffers.get(bufferBytesMin)
	defer c.server.buffers.put(buf)
	for {
		if _, err := c.nc.Read(buf); err != nil {
			return
		}
	}
}

// report counts and logs why the connection ended.
func (c *conn) report() {
	c.end.Lock()
	e := c.end.err
	c.end.Unlock()
	s := c.server
	s.counters.closed[e.reason].Add(1)
	level := slog.LevelDebug
	var suppressed int64
	switch e.reason {
	case ClosedByPeer, ClosedIdle, ClosedDrained, ClosedPanic: // a panic is logged where it is caught
	default:
		if n, ok := s.noise[e.reason].allow(time.Now()); ok {
			level, suppressed = slog.LevelInfo, n
		}
	}
	if !s.log.Enabled(c.ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("reason", e.reason.String()), slog.String("listener", c.listener.Name),
		slog.String("remote", c.info.Remote.String()), slog.Any("error", e.err),
	}
	if a := e.reason.advice(); a != "" {
		attrs = append(attrs, slog.String("advice", a))
	}
	if suppressed > 0 {
		attrs = append(attrs, slog.Int64("suppressed", suppressed))
	}
	s.log.LogAttrs(c.ctx, level, "closed a connection", attrs...)
}

// advice says what whoever runs the client should do.
func (r CloseReason) advice() string {
	switch r {
	case ClosedTLS:
		return "this listener is PLAINTEXT: set security.protocol=PLAINTEXT in the client"
	case ClosedPlaintext:
		return "this listener is SSL: set security.protocol=SSL in the client"
	case ClosedHTTP:
		return "this port speaks Kafka's protocol and not HTTP: give the HTTP client another address"
	default:
		return ""
	}
}

// recovered turns a panic of the handler into an error, deferred. It is a bug in
// our code, so whoever runs the broker must hear of it; the client loses this
// connection, and nobody else anything.
func (c *conn) recovered(r *Request, err *error) {
	p := recover()
	if p == nil {
		return
	}
	*err = &endError{ClosedPanic, errPanic}
	n, ok := c.server.noise[ClosedPanic].allow(time.Now())
	if !ok {
		return
	}
	c.server.log.Error("panic while handling a request",
		"key", r.Key, "version", r.Version, "correlation_id", r.CorrelationID, "client_id", r.ClientID,
		"listener", c.listener.Name, "remote", c.info.Remote.String(),
		"panic", p, "stack", string(debug.Stack()), "suppressed", n)
}
