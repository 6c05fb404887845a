package load

import (
	"context"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/bench/measure"
)

// clock tells the time since a run began.
type clock struct{ began time.Time }

func (c clock) now() time.Duration { return time.Since(c.began) }

// timekeeper ends the window.
type timekeeper struct {
	clock
	window *measure.Window
	ended  chan struct{} // closed at the window's end
	end    sync.Once
}

func newTimekeeper(p *Plan) *timekeeper {
	return &timekeeper{
		clock:  clock{began: time.Now()},
		window: measure.NewWindow(p.WarmUp, p.WarmUp+p.Duration),
		ended:  make(chan struct{}),
	}
}

// keep waits for the window's end, or ends it early.
func (k *timekeeper) keep(ctx context.Context, early <-chan struct{}) {
	timer := time.NewTimer(k.window.End() - k.now())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
	case <-k.ended:
	}
	k.finish()
}

// finish ends the window, unless it has ended.
func (k *timekeeper) finish() {
	k.end.Do(func() {
		k.window.Cut(k.now())
		close(k.ended)
	})
}
