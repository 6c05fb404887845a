package peer

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// memNet is a network without a kernel, for virtual time. What is written to a
// connection waits for its reader.
type memNet struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	conns     []*memConn
	dials     []time.Time // of each attempt
}

type memListener struct {
	conns    chan net.Conn
	closed   chan struct{}
	once     sync.Once
	failures atomic.Int32 // of Accept, that are to come
}

func (l *memListener) Accept() (net.Conn, error) {
	if l.failures.Load() > 0 {
		l.failures.Add(-1)
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }

func (l *memListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// memConn is an end of a connection; cut off, what is written to it goes nowhere.
type memConn struct {
	net.Conn
	cut atomic.Bool
}

func (c *memConn) Write(p []byte) (int, error) {
	if c.cut.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (w *memNet) dial(_ context.Context, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, time.Now())
	l := w.listeners[address]
	if l == nil {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	client, server := net.Pipe()
	ends := []*memConn{{Conn: client}, {Conn: server}}
	select {
	case l.conns <- ends[1]:
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	w.conns = append(w.conns, ends...)
	return ends[0], nil
}

func (w *memNet) dialed() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.dials)
}

// cut cuts all connections.
func (w *memNet) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.cut.Store(true)
	}
	w.conns = nil
}

func (w *memNet) listen(address string) *memListener {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &memListener{conns: make(chan net.Conn, 16), closed: make(chan struct{})}
	w.listeners[address] = l
	return l
}

func (w *memNet) close(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.listeners[address].Close()
	delete(w.listeners, address)
}

// startMemHost starts a node on a memNet, in a bubble of synctest.
func startMemHost(t *testing.T, w *memNet, node model.NodeID) *host {
	t.Helper()
	name := func(node model.NodeID) string { return string(rune('a' + node)) }
	h := &host{got: newRecorder(), node: node}
	h.Network = New(Options{
		Node: node, Listener: w.listen(name(node)), Addresses: func(n model.NodeID) []string { return []string{name(n)} },
		Hello: func() Hello { return Hello{} }, Handler: h.got, Logger: slog.New(slog.DiscardHandler),
	})
	h.Network.dial = w.dial
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Network.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("node %d: %v", node, err)
		}
		w.close(name(node))
	})
	synctest.Wait()
	return h
}
