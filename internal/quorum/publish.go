package quorum

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/meta"
)

// publisher tells the rest of the node about images, and answers the requests
// that led to them afterwards: who submitted a command finds its effect.
type publisher struct {
	publish func(meta.Delta, *meta.Image)
	image   atomic.Pointer[meta.Image] // the newest that was published
	wake    chan struct{}              // capacity 1

	mu struct {
		sync.Mutex
		offered *meta.Image // nil: none since the last was taken
		replies []Reply     // to give once it is published
	}
}

func newPublisher(publish func(meta.Delta, *meta.Image)) *publisher {
	p := &publisher{publish: publish, wake: make(chan struct{}, 1)}
	p.image.Store(new(meta.Image))
	return p
}

// offer hands an image on, which is not older than those before, with the
// replies that it makes true.
func (p *publisher) offer(image *meta.Image, replies []Reply) {
	p.mu.Lock()
	p.mu.offered = image
	p.mu.replies = append(p.mu.replies, replies...)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) take() (*meta.Image, []Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	image, replies := p.mu.offered, p.mu.replies
	p.mu.offered, p.mu.replies = nil, nil
	return image, replies
}

func (p *publisher) run(ctx context.Context) error {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return nil
		}
		image, replies := p.take()
		if old := p.image.Load(); image != nil && image != old {
			p.publish(meta.Diff(old, image), image)
			p.image.Store(image)
		}
		give(replies)
	}
}

// give answers who waits.
func give(replies []Reply) {
	for _, r := range replies {
		r.Token.(*request).done <- r
	}
}
