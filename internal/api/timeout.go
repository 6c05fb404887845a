package api

import (
	"sync"
	"time"
)

// timeout is how long a request may wait, for several things one after the other.
type timeout struct {
	timer *time.Timer
	// late is closed where the timer has told of its end to one who waited.
	late chan time.Time
}

// over can be received from when the time is over.
func (t *timeout) over() <-chan time.Time {
	if t.late != nil {
		return t.late
	}
	return t.timer.C
}

// passed notes that the end was received: whoever asks from now on is too late.
func (t *timeout) passed() {
	if t.late == nil {
		t.late = make(chan time.Time)
		close(t.late)
	}
}

// timeoutPool keeps timeouts that are not running: one is used again and again, where a
// context for each request would be garbage.
type timeoutPool struct{ pool sync.Pool }

func (p *timeoutPool) start(millis int32) *timeout {
	length := time.Duration(millis) * time.Millisecond
	if t, ok := p.pool.Get().(*timeout); ok {
		t.timer.Reset(length)
		return t
	}
	return &timeout{timer: time.NewTimer(length)}
}

// stop ends a timeout. Nothing is received from a timer that is stopped.
func (p *timeoutPool) stop(t *timeout) {
	t.timer.Stop()
	t.late = nil
	p.pool.Put(t)
}
