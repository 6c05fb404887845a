package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// budget is an amount of memory that frames share. A frame takes from it as its
// bytes arrive and gives all back when it was answered.
//
// Order is fair: while anyone waits, later ones queue behind. Frames that hold a
// part of what they need and wait for the rest could wait for each other for
// ever, so one frame at a time may overdraw: the first that finds too little
// left goes on without waiting until it has given everything back. So there is
// always one frame that memory does not hold up, and what is used exceeds the
// limit by at most one frame.
//
// A frame's answer can still depend on a frame that waits (a member joining a
// group waits for the other members); therefore waiting has an end
// (Limits.RequestMemoryWaitMax), and small frames have a budget of their own
// that frames with records cannot use up (see Server.budgetFor).
type budget struct {
	limit int64

	mu       sync.Mutex
	used     int64    // the sum of claim.held; at most limit without the overdraft
	overdraw *claim   // who may go beyond limit; nil: nobody
	waiters  []*claim // in order of arrival
	waits    int64    // how often someone had to wait
}

// claim is what one frame holds of a budget. Only its own reader reserves, so
// that it waits at most once at a time.
type claim struct {
	budget *budget
	held   int64         // guarded by budget.mu
	want   int64         // what it waits for; guarded by budget.mu
	ready  chan struct{} // closed when granted; nil: does not wait; guarded by budget.mu
}

var errMemoryWait = errors.New("waited too long for request memory (queued.max.request.bytes)")

// reserve takes n bytes, waiting at most waitMax for them.
func (c *claim) reserve(ctx context.Context, n int64, waitMax time.Duration) error {
	b := c.budget
	b.mu.Lock()
	// Who overdraws passes the queue: all in it wait for what it will give back.
	if (b.overdraw == c || len(b.waiters) == 0) && b.grantLocked(c, n) {
		b.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	c.want, c.ready = n, ready
	b.waiters = append(b.waiters, c)
	b.waits++
	b.mu.Unlock()

	t := time.NewTimer(waitMax)
	defer t.Stop()
	var err error
	select {
	case <-ready:
		return nil
	case <-t.C:
		err = errMemoryWait
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.ready == nil { // granted meanwhile
		return nil
	}
	c.ready = nil
	b.waiters = slices.DeleteFunc(b.waiters, func(w *claim) bool { return w == c })
	b.wakeLocked() // those behind may want less
	return err
}

// release gives back n bytes.
func (c *claim) release(n int64) {
	b := c.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > c.held {
		panic("BUG: a frame gives back more memory than it holds")
	}
	c.held -= n
	b.used -= n
	if c.held == 0 && b.overdraw == c {
		b.overdraw = nil
	}
	b.wakeLocked()
}

// grantLocked takes n bytes for c if the limit or the overdraft allows it.
func (b *budget) grantLocked(c *claim, n int64) bool {
	switch {
	case b.used+n <= b.limit || b.overdraw == c:
	case b.overdraw == nil:
		b.overdraw = c
	default:
		return false
	}
	b.used += n
	c.held += n
	return true
}

func (b *budget) wakeLocked() {
	for len(b.waiters) > 0 {
		c := b.waiters[0]
		if !b.grantLocked(c, c.want) {
			return
		}
		b.waiters = slices.Delete(b.waiters, 0, 1)
		close(c.ready)
		c.ready = nil
	}
}

// usage is a snapshot for Stats.
type usage struct {
	used    int64
	waiting int
	waits   int64
}

func (b *budget) usage() usage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return usage{used: b.used, waiting: len(b.waiters), waits: b.waits}
}
