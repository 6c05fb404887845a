package server

import (
	"slices"
	"sync/atomic"
	"time"
)

// CloseReason says why a connection ended, or was refused.
type CloseReason uint8

// The reasons, in the order of Stats.Closed.
const (
	ClosedByPeer       CloseReason = iota // end of file or reset
	ClosedIdle                            // Limits.IdleMax
	ClosedDrained                         // the server stops
	ClosedSlowFrame                       // Limits.FrameStallMax, FrameBytesPerSecondMin
	ClosedSlowReader                      // Limits.WriteStallMax
	ClosedTooLarge                        // a frame beyond its limit
	ClosedMalformed                       // a frame's size or header makes no sense
	ClosedTLS                             // a TLS handshake on a plaintext listener
	ClosedHTTP                            // an HTTP request on a Kafka listener
	ClosedPlaintext                       // no TLS on an SSL listener
	ClosedHandshake                       // a TLS handshake that failed, or Limits.HandshakeMax
	ClosedMemoryWait                      // Limits.RequestMemoryWaitMax
	ClosedByHandler                       // the handler returned an error
	ClosedPanic                           // a bug in the handler
	RefusedConnections                    // Limits.ConnectionsMax
	RefusedPerIP                          // Limits.ConnectionsPerIPMax and its overrides
	closeReasonsEnd
)

var closeReasonNames = [closeReasonsEnd]string{
	"closed by peer", "idle", "server stops", "request too slow", "responses not read",
	"request too large", "malformed request", "TLS on a plaintext listener", "HTTP on a Kafka listener",
	"plaintext on an SSL listener", "TLS handshake failed", "no request memory", "closed by handler", "panic in handler",
	"max.connections reached", "max.connections.per.ip reached",
}

func (r CloseReason) String() string { return closeReasonNames[r] }

// Stats is a snapshot of what the server did since New, and what it has now.
type Stats struct {
	Connections  int   // open now
	Accepted     int64 // since New, those refused included
	AcceptErrors int64 // such as too many open files
	Requests     int64 // started
	BytesRead    int64
	BytesWritten int64
	Closed       [closeReasonsEnd]int64 // indexed by CloseReason

	Listeners []ListenerStats // in the order of Options.Listeners, each name once

	RequestMemoryBytes   int64 // reserved now
	RequestMemoryWaiting int   // frames that wait for memory now
	RequestMemoryWaits   int64 // how often one had to
}

// ListenerStats is what came by all addresses of one listener.
type ListenerStats struct {
	Name        string
	Connections int64 // open now
	Accepted    int64 // since New, those refused left out
}

type counters struct {
	accepted, acceptErrors, requests, bytesRead, bytesWritten atomic.Int64
	closed                                                    [closeReasonsEnd]atomic.Int64
}

// Stats returns a snapshot. It may be called at any time.
func (s *Server) Stats() Stats {
	st := Stats{
		Accepted:     s.counters.accepted.Load(),
		AcceptErrors: s.counters.acceptErrors.Load(),
		Requests:     s.counters.requests.Load(),
		BytesRead:    s.counters.bytesRead.Load(),
		BytesWritten: s.counters.bytesWritten.Load(),
	}
	for r := range st.Closed {
		st.Closed[r] = s.counters.closed[r].Load()
	}
	st.Listeners = s.listenerStats()
	for _, b := range [...]*budget{&s.small, &s.large} {
		u := b.usage()
		st.RequestMemoryBytes += u.used
		st.RequestMemoryWaiting += u.waiting
		st.RequestMemoryWaits += u.waits
	}
	s.mu.Lock()
	st.Connections = len(s.mu.conns)
	s.mu.Unlock()
	return st
}

func (s *Server) listenerStats() []ListenerStats {
	var all []ListenerStats
	for _, l := range s.listeners {
		i := slices.IndexFunc(all, func(st ListenerStats) bool { return st.Name == l.Name })
		if i < 0 {
			i = len(all)
			all = append(all, ListenerStats{Name: l.Name})
		}
		all[i].Connections += l.connections.Load()
		all[i].Accepted += l.accepted.Load()
	}
	return all
}

// noisePeriod is how often an event that anyone on the network can cause is
// logged at most: a port scanner must not fill the disk.
const noisePeriod = 10 * time.Second

// noise decides which of many equal events is logged. The zero value is ready.
type noise struct {
	last       atomic.Int64 // when one was logged, Unix nanoseconds
	suppressed atomic.Int64 // since then
}

// allow reports whether to log an event at now, and how many before it were not.
func (n *noise) allow(now time.Time) (suppressed int64, ok bool) {
	last := n.last.Load()
	if last != 0 && now.UnixNano()-last < int64(noisePeriod) || !n.last.CompareAndSwap(last, now.UnixNano()) {
		n.suppressed.Add(1)
		return 0, false
	}
	return n.suppressed.Swap(0), true
}
