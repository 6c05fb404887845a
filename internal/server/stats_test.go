package server

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"
)

// The addresses of one listener are counted together, and those who are refused
// not at all.
func TestStatsByListener(t *testing.T) {
	f := start(t, handlerFunc(echo), func(o *Options) {
		o.Limits.ConnectionsMax = 3
		o.Listeners = append(o.Listeners,
			Listen{Name: "INTERNAL", Address: "127.0.0.1:0", Protocol: Plaintext},
			Listen{Name: "INTERNAL", Address: "127.0.0.2:0", Protocol: Plaintext})
	})
	// In this order, so that the fourth is the one that is refused.
	for i := range 3 {
		dialAddr(t, f.listeners[i].bound.Addr())
		waitFor(t, func() bool { return f.Stats().Connections == i+1 })
	}
	dialAddr(t, f.listeners[2].bound.Addr())
	waitFor(t, func() bool { return f.Stats().Closed[RefusedConnections] == 1 })
	want := []ListenerStats{{Name: "PLAINTEXT", Connections: 1, Accepted: 1}, {Name: "INTERNAL", Connections: 2, Accepted: 2}}
	if got := f.Stats().Listeners; !slices.Equal(got, want) {
		t.Errorf("listeners %v, want %v", got, want)
	}
}

func TestConnectionsThatEndAreNotCounted(t *testing.T) {
	f := start(t, handlerFunc(echo), nil)
	c := f.dial(t)
	waitFor(t, func() bool { return f.Stats().Listeners[0].Connections == 1 })
	_ = c.Close()
	waitFor(t, func() bool { return f.Stats().Listeners[0].Connections == 0 })
	if n := f.Stats().Listeners[0].Accepted; n != 1 {
		t.Errorf("%d were accepted", n)
	}
}

func TestRequestSaysWhenItWasReceived(t *testing.T) {
	received := make(chan time.Time, 1)
	f := start(t, handlerFunc(func(ctx context.Context, r *Request) (Reply, error) {
		received <- r.Received
		return echo(ctx, r)
	}), nil)
	before := time.Now()
	c := f.dial(t)
	if _, err := c.Write(frame(testVersion, 1, []byte("body"))); err != nil {
		t.Fatal(err)
	}
	at := <-received
	if at.Before(before) || at.After(time.Now()) {
		t.Errorf("received at %v, which is not between sending and now", at)
	}
	if _, err := readResponse(c); err != nil {
		t.Fatal(err)
	}
}

func dialAddr(t *testing.T, addr net.Addr) {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}
