package membership

import (
	"context"
	"sync"
	"time"
)

// proofs gathers those who wait for a proof of leadership: a proof that begins later
// is as good for a lease, which counts from when its heartbeat was sent. Each costs a
// message to every voter and back.
type proofs struct {
	interval time.Duration
	confirm  func(context.Context) error

	mu struct {
		sync.Mutex
		next  *proof // has not begun
		begun time.Time
	}
}

// proof is one round.
type proof struct {
	timer *time.Timer
	done  chan struct{}
	err   error // read after done
}

// await waits for a proof that begins after the call: at once where there is a hurry,
// else so that there is one in an interval.
func (p *proofs) await(ctx context.Context, hurry bool) error {
	p.mu.Lock()
	round := p.mu.next
	if round == nil {
		round = &proof{done: make(chan struct{})}
		p.mu.next = round
		round.timer = time.AfterFunc(max(0, time.Until(p.mu.begun.Add(p.interval))), func() { p.run(round) })
	}
	if hurry {
		round.timer.Reset(0)
	}
	p.mu.Unlock()
	select {
	case <-round.done:
		return round.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// proofMax bounds a round: a lease would have run out by then.
const proofMax = 2 * time.Second

func (p *proofs) run(round *proof) {
	p.mu.Lock()
	if p.mu.next != round { // a timer that was reset when it had gone off
		p.mu.Unlock()
		return
	}
	p.mu.next, p.mu.begun = nil, time.Now()
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), proofMax)
	defer cancel()
	round.err = p.confirm(ctx)
	close(round.done)
}
