package replication

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/throttle"
)

// Stream is a connection that carries frames both ways. Read is called by one
// goroutine at a time, and so are Write and TryWrite.
type Stream interface {
	// Read returns the next frame, in buffer where its capacity suffices.
	Read(buffer []byte) ([]byte, error)
	// Write sends a frame; it does not keep it.
	Write(frame []byte) error
	// TryWrite sends a frame where that takes no waiting; it does not keep it. Where it
	// is false it has sent nothing.
	TryWrite(frame []byte) bool
	// Close ends both.
	Close()
}

// Options are what Streams work with.
type Options struct {
	Node model.NodeID
	// Dial opens a stream to a node.
	Dial func(ctx context.Context, to model.NodeID) (Stream, error)
	// Partitions finds a partition that this node holds, and all of them.
	Partitions Partitions
	// Received and Sent, where not nil, are told how many bytes of batches came from
	// leaders and went to followers.
	Received, Sent func(bytes int)
	// ReceivedThrottled and SentThrottled, where not nil, are told how many of those went to
	// a follower out of sync and are counted by a throttle; Waiting, how many partitions of
	// followers wait for one. They must not block.
	ReceivedThrottled, SentThrottled func(bytes int)
	Waiting                          func(partitions int)
	Logger                           *slog.Logger
}

// Partitions are those that this node holds.
type Partitions interface {
	// Find is nil where there is none.
	Find(topic model.TopicID, number model.Partition) *partition.Partition
	All() func(yield func(*partition.Partition) bool)
}

// Streams are a node's streams to the leaders that it follows, and to the followers
// of what it leads. It implements partition.Peers.
type Streams struct {
	options    Options
	throttling *throttling
	wake       chan struct{} // capacity 1: an inlet is to be started

	mu struct {
		sync.Mutex
		inlets map[model.NodeID]*inlet // by leader
		feeds  map[model.NodeID]*feeds // by follower
		idle   []*inlet                // not started yet
	}
}

// New returns Streams that carry nothing before Run.
func New(o Options) *Streams {
	nobody := func(int) {}
	for _, told := range []*func(int){&o.Received, &o.Sent, &o.ReceivedThrottled, &o.SentThrottled, &o.Waiting} {
		if *told == nil {
			*told = nobody
		}
	}
	s := &Streams{options: o, wake: make(chan struct{}, 1)}
	s.throttling = newThrottling(&s.options)
	s.mu.inlets = make(map[model.NodeID]*inlet)
	s.mu.feeds = make(map[model.NodeID]*feeds)
	return s
}

// Apply takes the throttles' rates from newer metadata, after the partitions have. It is
// called by one goroutine.
func (s *Streams) Apply(delta meta.Delta, image *meta.Image) { s.throttling.apply(delta, image) }

// Pace has copies of moves sent at a rate, instead of those that it was told before.
func (s *Streams) Pace(p *throttle.Paced) { s.throttling.pace(p) }

// Run follows leaders until ctx ends.
func (s *Streams) Run(ctx context.Context) error {
	defer s.throttling.end()
	var g errgroup.Group
	for ctx.Err() == nil {
		s.mu.Lock()
		idle := s.mu.idle
		s.mu.idle = nil
		s.mu.Unlock()
		for _, in := range idle {
			g.Go(func() error { in.run(ctx); return nil })
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
		}
	}
	return g.Wait()
}

// Serve serves a follower's stream until it ends, or ctx. A newer one of the same
// follower takes its place, and is served when the older one has ended: what that still
// took of a partition would count as sent on the newer.
func (s *Streams) Serve(ctx context.Context, follower model.NodeID, stream Stream) {
	f := newFeeds(s, follower, stream)
	s.mu.Lock()
	before := s.mu.feeds[follower]
	s.mu.feeds[follower] = f
	s.mu.Unlock()
	if before != nil {
		before.stream.Close()
		<-before.ended
	}
	f.run(ctx)
	s.mu.Lock()
	if s.mu.feeds[follower] == f {
		delete(s.mu.feeds, follower)
	}
	s.mu.Unlock()
}

// Send implements partition.Peers.
func (s *Streams) Send(to model.NodeID, p *partition.Partition, m replica.Message, by partition.Sender) {
	switch m.Kind {
	case replica.Position, replica.Ack:
		s.inlet(to).out.put(p, m, by)
	case replica.Diverged, replica.Agreed:
		if f := s.feedsOf(to); f != nil {
			f.out.put(p, m, by)
		}
	case replica.Data: // is taken by Next
	}
}

// Wake implements partition.Peers.
func (s *Streams) Wake(follower model.NodeID, p *partition.Partition, due partition.Due, by partition.Sender) {
	if f := s.feedsOf(follower); f != nil {
		f.wake(p, due, by)
	}
}

// PushToFollower implements partition.Peers.
func (s *Streams) PushToFollower(follower model.NodeID) {
	if f := s.feedsOf(follower); f != nil {
		f.push()
	}
}

// PushToLeader implements partition.Peers.
func (s *Streams) PushToLeader(leader model.NodeID) { s.inlet(leader).push() }

// Opened implements partition.Peers.
func (s *Streams) Opened(p *partition.Partition) {
	if leader := p.State().Leader; leader != model.NoNode && leader != s.options.Node {
		s.inlet(leader).out.notify() // it may have looked for what it is needed for too early
	}
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.mu.feeds))
	s.mu.Unlock()
	for _, f := range all {
		f.deliverEarly(p)
	}
}

// Resigned implements partition.Peers.
func (s *Streams) Resigned(p *partition.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.mu.feeds {
		f.forget(p)
	}
}

// Forget implements partition.Peers.
func (s *Streams) Forget(p *partition.Partition) {
	s.Resigned(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.mu.inlets {
		in.out.forget(p)
	}
}

func (s *Streams) feedsOf(follower model.NodeID) *feeds {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.feeds[follower]
}

func (s *Streams) inlet(leader model.NodeID) *inlet {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.mu.inlets[leader]
	if in == nil {
		in = newInlet(s, leader)
		s.mu.inlets[leader] = in
		s.mu.idle = append(s.mu.idle, in)
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return in
}
