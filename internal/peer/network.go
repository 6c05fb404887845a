package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Network is this node's connections with the others. Its methods may be called
// concurrently, and before Run.
type Network struct {
	o      Options
	logger *slog.Logger
	// dial makes a connection; tests have their own.
	dial       func(ctx context.Context, address string) (net.Conn, error)
	handshakes chan struct{} // one in it for each that is under way

	mu struct {
		sync.Mutex
		links   map[model.NodeID]*link
		inbound map[model.NodeID]*inbound // accepted links, the newest of each node
		refused map[string]time.Time      // when it was last logged why a node was not accepted
		failed  map[model.NodeID]int      // how often a node could not be reached: whose turn it is
		conns   map[net.Conn]struct{}     // to be closed when Run ends
		ctx     context.Context           // Run's; nil before it is called
		stopped bool
	}
	running sync.WaitGroup // grows under mu, before stopped
}

// New makes a Network, and starts nothing.
func New(o Options) *Network {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.TLS != nil {
		o.TLS = o.TLS.mutual()
	}
	n := &Network{o: o, logger: o.Logger, handshakes: make(chan struct{}, handshakesMax)}
	n.dial = func(ctx context.Context, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	n.mu.links = make(map[model.NodeID]*link)
	n.mu.inbound = make(map[model.NodeID]*inbound)
	n.mu.refused = make(map[string]time.Time)
	n.mu.failed = make(map[model.NodeID]int)
	n.mu.conns = make(map[net.Conn]struct{})
	return n
}

// mutual is the same with what mutual TLS cannot do without.
func (t *TLS) mutual() *TLS {
	m := &TLS{Server: t.Server.Clone(), Client: t.Client.Clone()}
	m.Server.ClientAuth = tls.RequireAndVerifyClientCert
	m.Server.MinVersion, m.Client.MinVersion = tls.VersionTLS13, tls.VersionTLS13
	return m
}

// Run accepts and dials until ctx ends, and then returns nil when all connections
// are closed and all goroutines have ended. It is called once. An error is of the
// listener.
func (n *Network) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n.mu.Lock()
	n.mu.ctx = ctx
	for _, l := range n.mu.links {
		n.running.Go(func() { l.run(ctx) })
	}
	n.mu.Unlock()

	var failure error
	if n.o.Listener != nil {
		n.spawn(func(ctx context.Context) {
			failure = n.accept(ctx)
			cancel()
		})
	}
	<-ctx.Done()
	if n.o.Listener != nil {
		_ = n.o.Listener.Close()
	}
	n.mu.Lock()
	n.mu.stopped = true
	conns := maps.Clone(n.mu.conns)
	n.mu.Unlock()
	for conn := range conns {
		hangUp(conn) // who uses it is told by that
	}
	n.running.Wait()
	return failure
}

// spawn runs f on a goroutine that Run waits for. It returns false where Run has
// not been called, or ends.
func (n *Network) spawn(f func(ctx context.Context)) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.ctx == nil || n.mu.stopped {
		return false
	}
	ctx := n.mu.ctx
	n.running.Go(func() { f(ctx) })
	return true
}

// keep has a connection closed when Run ends; where that has begun, it closes it.
func (n *Network) keep(conn net.Conn) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.ctx == nil || n.mu.stopped {
		hangUp(conn)
		return ErrStopped
	}
	n.mu.conns[conn] = struct{}{}
	return nil
}

// drop closes a connection, and forgets it. It may be called more than once.
func (n *Network) drop(conn net.Conn) {
	n.mu.Lock()
	delete(n.mu.conns, conn)
	n.mu.Unlock()
	hangUp(conn)
}

// hangUp closes a connection. TLS is not asked to say goodbye first, for which it
// would wait.
func hangUp(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	_ = conn.Close() // nothing can be done about an error
}

// link is what leads to a node. It is made when it is first asked for; nil where
// Run has ended.
func (n *Network) link(to model.NodeID) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.mu.links[to]
	switch {
	case n.mu.stopped:
		return nil
	case l == nil:
		l = newLink(n, to)
		n.mu.links[to] = l
		if ctx := n.mu.ctx; ctx != nil {
			n.running.Go(func() { l.run(ctx) })
		}
	}
	return l
}

// Send queues a message, and never blocks. It is dropped where the queue is full, no
// connection can be made, or the connection ends; those that arrive are in order.
// body must not be changed any more.
func (n *Network) Send(to model.NodeID, kind Kind, body []byte) {
	n.send(to, kind, body, nil)
}

// send is Send that tells of a message that is known to be dropped, on any goroutine
// and perhaps before it returns.
func (n *Network) send(to model.NodeID, kind Kind, body []byte, dropped func()) {
	l := n.link(to)
	f := outgoing{head: head{typ: frameMessage, kind: kind, body: len(body)}, body: body, dropped: dropped}
	if l == nil || len(body) > BodyBytesMax || !l.put(f) {
		f.drop(l)
	}
}

// Request asks a node, and waits for the answer or the end of ctx. The error is a
// *RemoteError where the node has answered with one; ErrNotSent where nothing was
// sent, which includes a node that rejects this one; else ErrLost. body must not be
// changed any more; the answer is the caller's to keep.
func (n *Network) Request(ctx context.Context, to model.NodeID, kind Kind, body []byte) ([]byte, error) {
	return n.RequestSince(ctx, model.OldestProtocol, to, kind, body)
}

// RequestSince is Request with a body, or of a kind, that came with a version of the
// protocol. Where the node speaks an earlier one nothing is sent, and the error is a
// *ProtocolError.
func (n *Network) RequestSince(ctx context.Context, since model.Protocol, to model.NodeID, kind Kind, body []byte) ([]byte, error) {
	l := n.link(to)
	switch {
	case l == nil:
		return nil, fmt.Errorf("ask node %d: %w: %w", to, ErrNotSent, ErrStopped)
	case len(body) > BodyBytesMax:
		return nil, fmt.Errorf("ask node %d: %w: %w: %d bytes", to, ErrNotSent, ErrTooLarge, len(body))
	}
	answer, err := l.request(ctx, since, kind, body)
	if err != nil {
		if _, remote := errors.AsType[*RemoteError](err); !remote {
			err = fmt.Errorf("ask node %d: %w", to, err)
		}
		return nil, err
	}
	return answer, nil
}

// OpenStream opens a stream to a node. Where the node does not accept this one the
// error is a *Rejection. The caller closes it.
func (n *Network) OpenStream(ctx context.Context, to model.NodeID) (*Stream, error) {
	conn, peer, err := n.connect(ctx, to, PurposeStream)
	if err == nil {
		var s *Stream
		if s, err = n.newStream(conn, peer); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("open a stream to node %d: %w", to, err)
}

// address is where a node is dialed next.
func (n *Network) address(to model.NodeID) (address string, newest bool, err error) {
	known := n.o.Addresses(to)
	if len(known) == 0 {
		return "", false, fmt.Errorf("the address of node %d is not known", to)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	turn := n.mu.failed[to] % len(known)
	return known[turn], turn == 0, nil
}

// connect dials a node, at one of its addresses, and introduces this one. The connection
// is to be dropped. A refusal (ECONNREFUSED) is of the newest address only.
func (n *Network) connect(ctx context.Context, to model.NodeID, purpose Purpose) (net.Conn, Hello, error) {
	address, newest, err := n.address(to)
	if err != nil {
		return nil, Hello{}, err
	}
	conn, hello, err := n.connectAt(ctx, to, address, purpose)
	if err != nil {
		n.mu.Lock()
		n.mu.failed[to]++
		n.mu.Unlock()
		if !newest && errors.Is(err, syscall.ECONNREFUSED) {
			err = fmt.Errorf("node %d at an earlier address: %s", to, err.Error())
		}
	}
	return conn, hello, err
}

func (n *Network) connectAt(ctx context.Context, to model.NodeID, address string, purpose Purpose) (net.Conn, Hello, error) {
	deadline := time.Now().Add(handshakeMax)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := n.dialed(ctx, to, address)
	if err != nil {
		return nil, Hello{}, err
	}
	if err := n.keep(conn); err != nil {
		return nil, Hello{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // it can only be closed
	h := n.hello(purpose, to)
	peer, err := greet(conn, &h, deadline)
	if !stop() {
		err = ctx.Err()
	}
	if err == nil {
		r := n.judge(peer)
		if r == nil {
			return conn, peer, nil
		}
		err = fmt.Errorf("node %d is not spoken to: %s", to, r.Reason) // which is ours to say: no Rejection
	}
	n.drop(conn)
	if r, ok := errors.AsType[*Rejection](err); ok {
		r.Address = address
		if n.o.Handler != nil {
			n.o.Handler.Rejected(to, r)
		}
	}
	return nil, Hello{}, err
}

func (n *Network) dialed(ctx context.Context, to model.NodeID, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, address)
	if err != nil || n.o.TLS == nil {
		return conn, err
	}
	config := n.o.TLS.Client
	if config.ServerName == "" {
		config = config.Clone()
		if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("the address of node %d: %w", to, err)
		}
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		hangUp(conn)
		return nil, err
	}
	return secured, nil
}

func (n *Network) hello(purpose Purpose, to model.NodeID) Hello {
	h := n.o.Hello()
	h.Purpose, h.Node, h.To = purpose, n.o.Node, to
	return h
}
