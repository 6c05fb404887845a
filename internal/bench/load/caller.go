package load

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/measure"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/verify"
)

// producer is what is asked of a kgo.Client: to call done once for each record, from any
// one goroutine at a time, with the error that it has failed for, or nil.
type producer interface {
	Produce(ctx context.Context, r *kgo.Record, done func(*kgo.Record, error))
}

// writer is what one goroutine that writes has for itself.
type writer struct {
	turns    *turns
	to       producer
	recorder *measure.Recorder
	page     *verify.Page
	maker    *payload.Maker
}

// caller writes one record at a time.
type caller struct {
	writer
	slot    payload.Slot
	record  kgo.Record
	outcome chan error
}

func newCaller(w writer) *caller {
	return &caller{writer: w, slot: w.maker.NewSlot(), outcome: make(chan error, 1)}
}

// run writes until the window has ended and the last record's outcome is known.
func (c *caller) run(ctx context.Context) {
	timer := newTimer()
	done := func(_ *kgo.Record, err error) { c.outcome <- err }
	for ctx.Err() == nil {
		due, ok := c.turns.take(timer)
		if !ok {
			return
		}
		sequence := c.page.Next()
		c.maker.Make(c.slot, sequence, int64(due))
		c.record = kgo.Record{Key: c.slot.Key, Value: c.slot.Value}
		c.to.Produce(ctx, &c.record, done)
		err := <-c.outcome
		now := c.turns.now()
		if err != nil {
			c.recorder.Failed(due, now, kind(err))
			c.turns.pause(ctx)
			continue
		}
		c.page.Acknowledge(sequence)
		c.recorder.Done(due, now, c.maker.Bytes())
	}
}

// pause waits shortly after a failure.
func (k *timekeeper) pause(ctx context.Context) { wait(ctx, shortly) }

// wait waits for so long, unless ctx ends before.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
