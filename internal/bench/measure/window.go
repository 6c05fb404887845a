package measure

import (
	"sync/atomic"
	"time"
)

// Window is the time that is measured: from its start, inclusive, to its end, exclusive,
// both since the run began. Its methods may be called concurrently.
type Window struct {
	start time.Duration
	end   atomic.Int64
}

// NewWindow makes a window.
func NewWindow(start, end time.Duration) *Window {
	w := &Window{start: start}
	w.end.Store(int64(end))
	return w
}

// Start is when it starts.
func (w *Window) Start() time.Duration { return w.start }

// End is when it ends.
func (w *Window) End() time.Duration { return time.Duration(w.end.Load()) }

// Cut ends the window early, unless it has ended before.
func (w *Window) Cut(at time.Duration) {
	for {
		end := w.end.Load()
		if int64(at) >= end || w.end.CompareAndSwap(end, int64(at)) {
			return
		}
	}
}

// Contains reports whether something happened in it.
func (w *Window) Contains(at time.Duration) bool { return w.start <= at && at < w.End() }

// Length is how long it is; 0 where it was cut before it had started.
func (w *Window) Length() time.Duration { return max(0, w.End()-w.start) }
