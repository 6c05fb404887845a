package quorum

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/meta"
)

// publisher tells a part of the node about images, and answers the requests
// that led to them afterwards: who submitted a command finds its effect. There are
// two. One tells Options.Publish, by which partitions open and take roles; that takes
// as long as the disk does. The other tells Options.Follow and Lead: the active
// controller's office must not wait for the logs of its own node, or all brokers
// would be fenced for its silence while it creates a large topic
// (docs/adr/0018-an-office-that-does-not-wait.md).
type publisher struct {
	publish func(meta.Delta, *meta.Image)
	lead    func(term uint64)
	image   atomic.Pointer[meta.Image] // the newest that was published
	wake    chan struct{}              // capacity 1
	leading uint64                     // what lead was told last; of run's goroutine

	mu struct {
		sync.Mutex
		offered   *meta.Image // nil: none since the last was taken
		replies   []Reply     // to give once it is published
		leading   uint64
		published chan struct{} // closed when another image is
	}
}

func newPublisher(publish func(meta.Delta, *meta.Image), lead func(uint64)) *publisher {
	p := &publisher{publish: publish, lead: lead, wake: make(chan struct{}, 1)}
	p.image.Store(new(meta.Image))
	p.mu.published = make(chan struct{})
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

// offerLead tells that this node leads in a term, with all that was committed
// before it in the image; 0: that it does not.
func (p *publisher) offerLead(term uint64, image *meta.Image) {
	p.mu.Lock()
	p.mu.leading = term
	p.mu.Unlock()
	p.offer(image, nil)
}

func (p *publisher) take() (*meta.Image, []Reply, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	image, replies := p.mu.offered, p.mu.replies
	p.mu.offered, p.mu.replies = nil, nil
	return image, replies, p.mu.leading
}

func (p *publisher) run(ctx context.Context) error {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return nil
		}
		image, replies, leading := p.take()
		if old := p.image.Load(); image != nil && image != old {
			p.publish(meta.Diff(old, image), image)
			p.store(image)
		}
		if leading != p.leading {
			p.leading = leading
			p.lead(leading)
		}
		give(replies)
	}
}

// store makes an image the newest, and wakes who waits for it.
func (p *publisher) store(image *meta.Image) {
	p.image.Store(image)
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.mu.published)
	p.mu.published = make(chan struct{})
}

// next is closed when another image is published than the newest at the call.
func (p *publisher) next() (*meta.Image, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.image.Load(), p.mu.published
}

// split parts replies into those to who waits for Options.Follow, and for Publish.
func split(replies []Reply) (followed, published []Reply) {
	for _, r := range replies {
		if r.Token.(*request).followed {
			followed = append(followed, r)
		} else {
			published = append(published, r)
		}
	}
	return followed, published
}

// give answers who waits.
func give(replies []Reply) {
	for _, r := range replies {
		r.Token.(*request).done <- r
	}
}
