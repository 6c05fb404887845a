package load

import (
	"sync/atomic"
	"time"
)

// lateMax is for how long after the window's end records are sent that were due within it.
const lateMax = time.Second

// turns says when records are due: with a rate, at fixed times, whatever becomes of those
// before (an open loop), so that a stall is felt by all who would have called during it;
// else whenever a caller is free. Its methods may be called concurrently.
type turns struct {
	*timekeeper
	rate   float64 // records a second; 0: none
	next   atomic.Int64
	unsent atomic.Int64
}

// newTimer makes a timer for take.
func newTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// take waits until a record is due, and says since when it is, or false after the end.
// With a rate, what was due in the warm-up and has not been sent by its end is dropped,
// and what was due in the window and not sent lateMax after it is counted as unsent.
func (t *turns) take(timer *time.Timer) (due time.Duration, ok bool) {
	if t.rate == 0 {
		now := t.now()
		return now, now < t.window.End()
	}
	for {
		due := time.Duration(float64(t.next.Add(1)-1) / t.rate * float64(time.Second))
		if due >= t.window.End() {
			return 0, false
		}
		now := t.now()
		switch {
		case due > now:
			timer.Reset(due - now)
			select {
			case <-timer.C:
			case <-t.ended:
				timer.Stop()
				if due >= t.window.End() {
					return 0, false
				}
			}
		case due < t.window.Start() && now >= t.window.Start():
			continue
		case now >= t.window.End()+lateMax:
			t.unsent.Add(1)
			continue
		}
		return due, true
	}
}
