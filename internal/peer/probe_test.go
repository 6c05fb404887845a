package peer

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// prober is a Network that probes an address, and tells of each connection it gets.
func prober(address string, connected func()) *Network {
	n := New(Options{Node: 1, Addresses: func(model.NodeID) []string { return []string{address} }})
	dial := n.dial
	n.dial = func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if err == nil {
			connected()
		}
		return conn, err
	}
	return n
}

// A process that dies still has its listener when its connections have ended already,
// and its kernel accepts for it.
func TestProbeOfADyingProcessIsRefused(t *testing.T) {
	dying, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := prober(dying.Addr().String(), func() {
		if err := dying.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	if err := n.Probe(t.Context(), 2); !errors.Is(err, ErrRefused) {
		t.Errorf("the probe says %v", err)
	}
}

// A process that hangs is one.
func TestProbeOfAHangingProcessIsAnswered(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	var connections atomic.Int32
	n := prober(hanging.Addr().String(), func() { connections.Add(1) })
	if err := n.Probe(t.Context(), 2); err != nil || connections.Load() != 1 {
		t.Errorf("the probe says %v, after %d connections", err, connections.Load())
	}
}

// Who hangs up at once is neither there nor gone.
func TestProbeThatIsHungUpOnIsNoAnswer(t *testing.T) {
	full, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	go func() {
		for {
			conn, err := full.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var connections atomic.Int32
	n := prober(full.Addr().String(), func() {
		if connections.Add(1) == 3 {
			cancel()
		}
	})
	if err := n.Probe(ctx, 2); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("the probe says %v", err)
	}
}
