package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const (
	// acceptBackoffMin and acceptBackoffMax bound the pause after a failed
	// accept. Out of file descriptors, accept fails at once for as long as a
	// connection is pending: without a pause it would spin.
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second
)

// accept accepts until ctx ends. Failures (too many open files, a connection that
// was aborted in the queue) pass; it returns an error only where the listener is
// closed although ctx has not ended.
func (s *Server) accept(ctx context.Context, l *listener, start func(net.Conn)) error {
	var backoff time.Duration
	for {
		nc, err := l.bound.Accept()
		switch {
		case err == nil:
			backoff = 0
			start(nc)
			continue
		case ctx.Err() != nil:
			return nil //nolint:nilerr // stop closed the listener
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("listener %s was closed: %w", l.Name, err)
		}
		backoff = min(max(2*backoff, acceptBackoffMin), acceptBackoffMax)
		s.counters.acceptErrors.Add(1)
		if n, ok := s.accepts.allow(time.Now()); ok {
			s.log.Warn("cannot accept connections, trying again", "listener", l.Name, "error", err, "suppressed", n)
		}
		t := time.NewTimer(backoff)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// admit registers a new connection, or closes it where a limit is reached and
// returns nil.
//
// Kafka stops accepting at max.connections instead; then a client cannot tell a
// full broker from a dead one and waits for its own timeout. Closing the newest
// is also what Kafka does at max.connections.per.ip.
func (s *Server) admit(ctx context.Context, l *listener, nc net.Conn) *conn {
	s.counters.accepted.Add(1)
	c := newConn(ctx, s, l, nc)
	reason, ok := s.register(c)
	if ok {
		return c
	}
	s.counters.closed[reason].Add(1)
	if n, ok := s.noise[reason].allow(time.Now()); ok {
		s.log.Info("refused a connection", "reason", reason.String(), "listener", l.Name,
			"remote", nc.RemoteAddr().String(), "suppressed", n)
	}
	_ = nc.Close() // nothing was written, nothing can be lost
	return nil
}

func (s *Server) register(c *conn) (CloseReason, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.conns) >= s.limits.ConnectionsMax {
		return RefusedConnections, false
	}
	if c.ip.IsValid() {
		perIPMax, ok := s.limits.ConnectionsPerIPOverrides[c.ip]
		if !ok {
			perIPMax = s.limits.ConnectionsPerIPMax
		}
		if s.mu.perIP[c.ip] >= perIPMax {
			return RefusedPerIP, false
		}
		s.mu.perIP[c.ip]++
	}
	s.mu.conns[c] = struct{}{}
	c.listener.connections.Add(1)
	c.listener.accepted.Add(1)
	return 0, true
}

func (s *Server) unregister(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.conns, c)
	c.listener.connections.Add(-1)
	if !c.ip.IsValid() {
		return
	}
	if s.mu.perIP[c.ip]--; s.mu.perIP[c.ip] == 0 {
		delete(s.mu.perIP, c.ip)
	}
}

// ipOf is the address that per-address limits go by; invalid where the transport
// has none.
func ipOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap()
}
