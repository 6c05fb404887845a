package coordinator

import (
	"context"
	"time"
)

// A shard whose log cannot be read tries again after pauses that double.
const (
	reloadPauseMin = 100 * time.Millisecond
	reloadPauseMax = 30 * time.Second
)

// loop is the shard's goroutine: it loads, then lets deadlines pass, until the
// shard is closed or ctx ends.
func (s *shard[M]) loop(ctx context.Context) {
	defer context.AfterFunc(ctx, s.resign)()
	defer s.close()
	pause := reloadPauseMin
	for !s.resigned() {
		err := s.load()
		if err == nil {
			began := time.Now()
			s.serve()
			if time.Since(began) > reloadPauseMax {
				pause = reloadPauseMin // this trouble is another one
			}
		} else if !s.resigned() {
			s.mu.Lock()
			s.failLocked(err)
			s.mu.Unlock()
		}
		if !s.sleep(pause) {
			return
		}
		pause = min(2*pause, reloadPauseMax)
		s.mu.Lock()
		s.becomeLocked(Loading)
		s.mu.Unlock()
	}
}

func (s *shard[M]) resigned() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// sleep reports whether pause has passed, not the shard been closed.
func (s *shard[M]) sleep(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closed:
		return false
	}
}

func (s *shard[M]) close() {
	s.resign()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.becomeLocked(Closed)
}

// serve runs queued events and lets deadlines pass while the shard is active.
func (s *shard[M]) serve() {
	timer := time.NewTimer(0) // armed below
	defer timer.Stop()
	for {
		next, active := s.turn()
		if !active {
			return
		}
		timer.Stop()
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-due:
		case <-s.wake:
		case <-s.closed:
			return
		}
	}
}

// turn runs what is queued or due, and says when to come again.
func (s *shard[M]) turn() (next time.Time, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.mu.state == Active {
		event := s.dequeue()
		if event == nil {
			break
		}
		now := time.Now()
		s.applyLocked(event(s.mu.machine, now), now)
	}
	if s.mu.state != Active {
		return time.Time{}, false
	}
	now := time.Now()
	s.mu.armed = time.Time{}
	if at, ok := s.mu.machine.Deadline(); ok && !at.After(now) {
		s.applyLocked(s.mu.machine.Tick(now), now)
		if s.mu.state != Active {
			return time.Time{}, false
		}
	}
	if at, ok := s.mu.machine.Deadline(); ok {
		s.mu.armed = at
	}
	return s.mu.armed, true
}
