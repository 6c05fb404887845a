package load

import (
	"context"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// floodBytesMax bounds what the records of one client take.
const floodBytesMax = 64 << 20

// flood hands records over as fast as its client takes them.
type flood struct {
	writer
	slots   *slots
	failing atomic.Bool // since the last look
}

// newFlood makes a flood that has so many records under way at most.
func newFlood(w writer, buffered int) *flood {
	f := &flood{writer: w, slots: newSlots(buffered, w.maker)}
	for _, s := range f.slots.all {
		s.done = func(_ *kgo.Record, err error) { f.finished(s, err) }
	}
	return f
}

// buffered is how many records a flood has under way at most.
func (p *Plan) buffered() int {
	return max(1, min(p.Buffered, floodBytesMax/(p.Shape.Size+p.Keys.Bytes())))
}

// run writes until the window has ended and the last record's outcome is known.
func (f *flood) run(ctx context.Context) {
	timer := newTimer()
	for ctx.Err() == nil {
		s := f.slots.take() // first, for without a rate a record is due when there is room for it
		due, ok := f.turns.take(timer)
		if !ok {
			f.slots.give(s)
			break
		}
		s.due, s.sequence = due, f.page.Next()
		f.maker.Make(s.Slot, s.sequence, int64(due))
		s.record = kgo.Record{Key: s.Key, Value: s.Value}
		f.to.Produce(ctx, &s.record, s.done)
		if f.failing.Load() && f.failing.Swap(false) {
			f.turns.pause(ctx)
		}
	}
	f.slots.await()
}

// finished is called by the client.
func (f *flood) finished(s *slot, err error) {
	now := f.turns.now()
	if err != nil {
		f.recorder.Failed(s.due, now, kind(err))
		f.failing.Store(true)
	} else {
		f.page.Acknowledge(s.sequence)
		f.recorder.Done(s.due, now, f.maker.Bytes())
	}
	f.slots.give(s)
}
