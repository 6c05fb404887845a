package quorum

import (
	"context"
	"sync"
)

// soon are who want leadership proved, and can wait for the next heartbeat: it proves
// as much and goes out anyway. The lock is a leaf.
type soon struct {
	mu struct {
		sync.Mutex
		beats   bool // this node leads, and its heartbeats go out
		waiting []*request
	}
	beats bool // the loop's copy
}

// ConfirmSoon is Confirm for who has the time of a heartbeat (heartbeatTicks): it costs
// no message of its own.
func (q *Quorum) ConfirmSoon(ctx context.Context) error {
	r := newRequest(ctx)
	r.followed = true
	if !q.soon.put(r) {
		return q.Confirm(ctx)
	}
	_, err := q.await(r)
	return err
}

// put has a request wait; false where there is no heartbeat to wait for.
func (s *soon) put(r *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.beats {
		s.mu.waiting = append(s.mu.waiting, r)
	}
	return s.mu.beats
}

func (s *soon) take() []*request {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.mu.waiting
	s.mu.waiting = nil
	return waiting
}

// note follows whether there are heartbeats, and ends what waits for one in vain.
func (s *soon) note(beats bool, refuse error) {
	if s.beats == beats {
		return
	}
	s.beats = beats
	s.mu.Lock()
	s.mu.beats = beats
	s.mu.Unlock()
	if !beats {
		for _, r := range s.take() {
			r.done <- Reply{Err: refuse}
		}
	}
}

// tick tells the machine its ticks. Where a heartbeat goes out with them, leadership is
// proved to who has waited for it.
func (q *Quorum) tick() {
	if waiting := q.soon.take(); len(waiting) > 0 {
		tokens := make([]any, len(waiting))
		for i, r := range waiting {
			tokens[i] = r
		}
		if err := q.machine.Confirm(tokens...); err != nil {
			give(repliesTo(tokens, err))
		}
	}
	q.clock.tell(q.machine)
}
