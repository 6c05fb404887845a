package membership

import (
	"context"
	"sync"
	"time"
)

// rounds gathers those who wait for something to be done that has to begin after they
// ask, and serves all who wait by then. Rounds begin an interval apart.
type rounds struct {
	interval time.Duration
	do       func(context.Context) error

	mu struct {
		sync.Mutex
		next  *round // has not begun
		begun time.Time
	}
}

type round struct {
	done chan struct{}
	err  error // read after done
}

// await waits for a round that begins after the call, when its turn comes.
func (p *rounds) await(ctx context.Context) error {
	p.mu.Lock()
	r := p.mu.next
	if r == nil {
		r = &round{done: make(chan struct{})}
		p.mu.next = r
		time.AfterFunc(max(0, time.Until(p.mu.begun.Add(p.interval))), func() { p.run(r) })
	}
	p.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// roundMax bounds a round: a client asks again by then.
const roundMax = 2 * time.Second

func (p *rounds) run(r *round) {
	p.mu.Lock()
	p.mu.next, p.mu.begun = nil, time.Now()
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), roundMax)
	defer cancel()
	r.err = p.do(ctx)
	close(r.done)
}
