package quorum

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/meta"
)

// publisher tells of changes in order, on a goroutine of its own.
type publisher struct {
	tell  func(meta.Delta, *meta.Image)
	image atomic.Pointer[meta.Image] // the newest published
	wake  chan struct{}              // capacity 1

	mu    sync.Mutex
	queue []publication
}

// publication is a change, and who waits for it to be published.
type publication struct {
	delta   meta.Delta
	image   *meta.Image
	answers []answer
}

func newPublisher(tell func(meta.Delta, *meta.Image), restored *meta.Image) *publisher {
	p := &publisher{tell: tell, wake: make(chan struct{}, 1)}
	p.image.Store(new(meta.Image))
	if restored.Index > 0 {
		p.add(publication{delta: meta.Diff(nil, restored), image: restored})
	}
	return p
}

func (p *publisher) add(x publication) {
	p.mu.Lock()
	p.queue = append(p.queue, x)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) run(ctx context.Context) error {
	for {
		p.mu.Lock()
		queue := p.queue
		p.queue = nil
		p.mu.Unlock()
		for _, x := range queue {
			if !x.delta.Empty() {
				p.tell(x.delta, x.image)
			}
			p.image.Store(x.image)
			for _, a := range x.answers {
				a.to.done <- outcome{result: a.result}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.wake:
		}
	}
}
