package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

const (
	// connectionsMax is how many connections are open at most; further ones are
	// closed. A Prometheus needs one, a person a few.
	connectionsMax = 64
	// pagesAtOnce is how many of the pages that look at every partition are made at a
	// time, and so in memory; others wait.
	pagesAtOnce = 4
	// headerTimeout and readTimeout bound how long a request may take to arrive.
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// writeTimeout bounds how long an answer may take to be made and read; profiles
	// get the time that they measure for on top.
	writeTimeout = 30 * time.Second
	// idleTimeout is longer than Prometheus lets pass between two scrapes.
	idleTimeout = 3 * time.Minute
	// headerBytesMax bounds a request, which has no body to speak of.
	headerBytesMax = 16 << 10
	// stopMax is how long answers in progress may take when the node stops: whoever
	// asked can ask again.
	stopMax = 250 * time.Millisecond
)

// Options is what a Server shows. All of it is needed; the functions are called for
// each request that needs them, from several goroutines.
type Options struct {
	// Listeners are bound; Run closes them.
	Listeners   []net.Listener
	Logger      *slog.Logger
	Node        model.NodeID
	Incarnation model.Incarnation
	// Image is the newest metadata that this node has applied; nil before there is
	// any.
	Image      func() *meta.Image
	Quorum     func() quorum.Status
	Partitions metrics.Partitions
	// DiskErr is why the data directory is fenced; nil where it is not.
	DiskErr func() error
	Metrics *metrics.Metrics
}

// Server is the admin listener. New, then Run once.
type Server struct {
	options Options
	http    http.Server

	turns       chan struct{}  // capacity pagesAtOnce: those being made
	open        sync.WaitGroup // connections
	connections atomic.Int64

	blocked, contended *contention
}

// New checks the options. It starts nothing.
func New(o Options) (*Server, error) {
	if len(o.Listeners) == 0 || o.Logger == nil || o.Image == nil || o.Quorum == nil || o.Partitions == nil ||
		o.DiskErr == nil || o.Metrics == nil {
		return nil, errors.New("admin: an option is missing")
	}
	s := &Server{options: o, turns: make(chan struct{}, pagesAtOnce), blocked: blocked(), contended: contended()}
	s.http = http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytesMax,
		ConnState:      s.connState,
		// What strangers send is no business of who reads the log.
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// connState counts connections. The server tells of a new one before it serves it, so
// that after the last listener is closed the count only falls.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
		if s.connections.Add(1) > connectionsMax {
			_ = c.Close() // its first read fails then
		}
	case http.StateClosed, http.StateHijacked:
		s.connections.Add(-1)
		s.open.Done()
	case http.StateActive, http.StateIdle:
	}
}

// Run serves until ctx ends; then the requests in progress are told so by their
// contexts, and what they answer is still sent for a moment. It returns an error only
// where a listener was closed under it.
func (s *Server) Run(ctx context.Context) error {
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	s.http.BaseContext = func(net.Listener) context.Context { return requests }

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var serving sync.WaitGroup
	errs := make([]error, len(s.options.Listeners))
	for i, l := range s.options.Listeners {
		serving.Go(func() {
			defer stop()
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				errs[i] = err
			}
		})
	}
	<-ctx.Done()
	endRequests()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopMax)
	defer cancel()
	if s.http.Shutdown(grace) != nil {
		_ = s.http.Close() // who has not read the answer by now does not get it
	}
	serving.Wait()
	s.open.Wait()
	return errors.Join(errs...)
}
