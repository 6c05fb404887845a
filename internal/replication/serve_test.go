package replication

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
)

// nothing is a node without partitions.
type nothing struct{}

func (nothing) Find(model.TopicID, model.Partition) *partition.Partition { return nil }
func (nothing) All() func(yield func(*partition.Partition) bool) {
	return func(func(*partition.Partition) bool) {}
}

// slow is a stream that takes a while to notice that it is closed.
type slow struct {
	read    atomic.Bool // somebody has read
	closed  chan struct{}
	close   func()
	release chan struct{}
}

func newSlow() *slow {
	s := &slow{closed: make(chan struct{}), release: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	return s
}

func (s *slow) Read([]byte) ([]byte, error) {
	s.read.Store(true)
	<-s.closed
	<-s.release
	return nil, io.EOF
}

func (s *slow) Write([]byte) error   { return nil }
func (s *slow) TryWrite([]byte) bool { return false }
func (s *slow) Close()               { s.close() }

// What the older stream of a follower still takes of a partition would be sent to
// nobody, and count as sent: so the newer one begins when the older one has ended.
func TestNewerStreamBeginsWhenTheOlderHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Node: 1, Partitions: nothing{}, Logger: slog.New(slog.DiscardHandler)})
		streams := []*slow{newSlow(), newSlow(), newSlow()}
		var serving sync.WaitGroup
		for _, stream := range streams {
			serving.Go(func() { s.Serve(context.Background(), 2, stream) })
			synctest.Wait()
		}
		for i, stream := range streams {
			if !stream.read.Load() {
				t.Errorf("stream %d is not served", i)
			}
			for j := i + 1; j < len(streams); j++ {
				if streams[j].read.Load() {
					t.Errorf("stream %d is served while stream %d has not ended", j, i)
				}
			}
			if closed := isClosed(stream.closed); closed != (i < len(streams)-1) {
				t.Errorf("stream %d is closed: %t", i, closed)
			}
			close(stream.release)
			synctest.Wait()
		}
		streams[2].Close()
		serving.Wait()
		if f := s.feedsOf(2); f != nil {
			t.Error("the follower is still served")
		}
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Who is served ends with the context, also where the other side does not read.
func TestServeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Node: 1, Partitions: nothing{}, Logger: slog.New(slog.DiscardHandler)})
		stream := newSlow()
		close(stream.release)
		ctx, cancel := context.WithCancel(context.Background())
		var serving sync.WaitGroup
		serving.Go(func() { s.Serve(ctx, 2, stream) })
		synctest.Wait()
		cancel()
		serving.Wait()
	})
}
