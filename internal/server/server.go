package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// keepAlive finds clients that vanished without a word within about two minutes
// of silence, long before Limits.IdleMax would.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 15 * time.Second, Count: 4}

// Server is the network side of a broker. Its methods may be called concurrently,
// Bind, Run and Close once each, in this order.
type Server struct {
	handler   Handler
	log       *slog.Logger
	limits    Limits
	listeners []*listener

	buffers  buffers
	small    budget // for frames of at most firstBufferBytesMax
	large    budget // for all others
	counters counters
	noise    [closeReasonsEnd]noise
	accepts  noise // errors of accept

	// draining is set once, before the readers' deadlines are moved to the
	// past: a reader that sets a deadline looks at it afterwards, so that one of
	// the two is seen.
	draining atomic.Bool

	mu struct {
		sync.Mutex
		conns map[*conn]struct{}
		perIP map[netip.Addr]int // of conns; no zero entries
	}
}

type listener struct {
	Listen
	bound net.Listener // nil before Bind

	connections atomic.Int64 // open now
	accepted    atomic.Int64 // those refused left out
}

// New checks the options. It binds and starts nothing.
func New(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Server{handler: o.Handler, log: o.Logger, limits: o.Limits}
	// Frames that carry no records (heartbeats, joins, metadata) never wait for
	// the memory that producers fill: an eighth is theirs.
	s.small.limit = max(o.Limits.RequestMemoryBytesMax/8, 1)
	s.large.limit = max(o.Limits.RequestMemoryBytesMax-s.small.limit, 1)
	s.mu.conns = make(map[*conn]struct{})
	s.mu.perIP = make(map[netip.Addr]int)
	for _, l := range o.Listeners {
		s.listeners = append(s.listeners, &listener{Listen: l})
	}
	return s, nil
}

// Bind binds all listeners, or none. Connections queue in the system until Run.
func (s *Server) Bind(ctx context.Context) error {
	for _, l := range s.listeners {
		if l.bound = l.Listener; l.bound != nil {
			continue
		}
		lc := net.ListenConfig{KeepAliveConfig: keepAlive}
		nl, err := lc.Listen(ctx, "tcp", l.Address)
		if err != nil {
			return errors.Join(bindError(l, err), s.Close())
		}
		l.bound = nl
	}
	return nil
}

// bindError names the setting, and not Go's operation: this sentence is all that
// somebody sees whose port is in use.
func bindError(l *listener, err error) error {
	cause := err
	if op, ok := errors.AsType[*net.OpError](err); ok {
		cause = op.Err
	}
	return fmt.Errorf("listener %s cannot listen on %s: %w; choose another address with --kafka-port or listeners",
		l.Name, l.Address, cause)
}

// Close closes the listeners that Bind opened. It is for a start that fails
// between Bind and Run; Run does it by itself.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners {
		if l.bound == nil {
			continue
		}
		if err := l.bound.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("close listener %s: %w", l.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Addr is the address that the named listener is bound to; nil before Bind and
// for an unknown name.
func (s *Server) Addr(name string) net.Addr {
	for _, l := range s.listeners {
		if l.Name == name && l.bound != nil {
			return l.bound.Addr()
		}
	}
	return nil
}

// Run serves until ctx ends and then drains: it accepts and reads no more, gives
// the requests in flight Limits.DrainMax to be answered, ends the context of
// those that are not, and returns when every goroutine has ended. It returns an
// error only where a listener was closed under it.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	connCtx := context.WithoutCancel(ctx)

	var accepting, serving sync.WaitGroup
	acceptErrs := make([]error, len(s.listeners))
	for i, l := range s.listeners {
		accepting.Go(func() {
			defer stop()
			acceptErrs[i] = s.accept(ctx, l, func(nc net.Conn) {
				if c := s.admit(connCtx, l, nc); c != nil {
					serving.Go(c.serve)
				}
			})
		})
	}
	<-ctx.Done()
	closeErr := s.Close()
	accepting.Wait()

	s.stopReading()
	grace := time.AfterFunc(s.limits.DrainMax, s.abortAll)
	serving.Wait()
	grace.Stop()
	return errors.Join(append(acceptErrs, closeErr)...)
}

// stopReading makes every reader end before its next frame. Nothing is accepted
// any more.
func (s *Server) stopReading() {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.mu.conns {
		// An error means that the connection is closed, which serves as well.
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// abortAll ends the connections that did not finish within Limits.DrainMax.
func (s *Server) abortAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.mu.conns {
		c.fail(&endError{ClosedDrained, errDrainMax})
	}
}

// budgetFor is where a frame of the given size takes its memory from.
func (s *Server) budgetFor(frameBytes int) *budget {
	if frameBytes <= firstBufferBytesMax {
		return &s.small
	}
	return &s.large
}
