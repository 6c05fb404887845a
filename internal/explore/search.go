package explore

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// Result is what a search has found.
type Result struct {
	States int
	// Depth is the number of events to the furthest state; all states of fewer are
	// among those found. Frontier is how many states were found and not gone on from.
	Depth, Frontier int
	// Committed is the most records that were committed in a state.
	Committed int
	// Locals is how many states of one broker there are among them.
	Locals int
	// Complete: there are no more states within the bounds. Otherwise Stopped says why.
	Complete bool
	Stopped  string
	// Violation is nil where every promise was kept. Story leads to it, by as few events as can.
	Violation *Violation
	Story     []string
}

// link says how a state was reached: from which, and by which of its events.
type link struct {
	parent uint32
	event  uint16
}

type search struct {
	world    *world
	seen     seen
	links    list[link]
	queue    list[state]
	result   Result
	levelEnd int // states of this depth end here
}

// Search visits all states within the bounds, those of fewer events first, until a
// promise is broken. progress is called about once a second.
func Search(ctx context.Context, b Bounds, progress func(Result)) Result {
	s := &search{world: newWorld(b), seen: newSeen()}
	first, violation := s.world.begin()
	if violation != nil {
		s.result.Violation = violation
		return s.result
	}
	if first, violation = s.settle(first); violation != nil {
		s.result.Violation, s.result.Story = violation, s.story(nil)
		return s.result
	}
	s.found(first, link{})
	s.levelEnd = 1
	s.run(ctx, progress)
	s.result.Locals = s.world.brokers.len()
	return s.result
}

func (s *search) found(next state, by link) {
	s.links.add(by)
	s.queue.add(next)
	s.result.States = s.links.length
	s.result.Committed = max(s.result.Committed, len(s.world.ghosts.get(next.ghost).ledger))
}

// lookEvery is how many states are gone on from between two looks at the clock.
const lookEvery = 1 << 12

func (s *search) run(ctx context.Context, progress func(Result)) {
	var events []event
	last := time.Now()
	at := -1
	for at+1 < s.queue.length { // the queue grows
		at++
		s.result.Frontier = s.queue.length - at
		if at == s.levelEnd {
			s.result.Depth++
			s.levelEnd = s.queue.length
		}
		if at%lookEvery == 0 && time.Since(last) >= time.Second {
			last = time.Now()
			s.result.Locals = s.world.brokers.len()
			progress(s.result)
			if s.stop(ctx) {
				return
			}
		}
		if s.result.States >= s.world.bounds.States {
			s.result.Stopped = "the bound on states"
			return
		}
		s.queue.dropChunk(at)
		here := *s.queue.at(at)
		events = s.world.events(&here, events[:0])
		for i, e := range events {
			next, violation := s.world.after(here, e)
			if violation != nil {
				s.result.Violation = violation
				s.result.Story = s.story(append(s.path(at), uint16(i)))
				return
			}
			if next, violation = s.settle(next); violation != nil {
				s.result.Violation = violation
				s.result.Story = s.story(append(s.path(at), uint16(i)))
				return
			}
			if s.seen.add(next.hash()) {
				s.found(next, link{uint32(at), uint16(i)})
			}
		}
	}
	s.result.Complete, s.result.Frontier = true, 0
}

// settle goes on to where there is a choice.
func (s *search) settle(here state) (state, *Violation) {
	for {
		only, forced := s.world.forced(&here)
		if !forced {
			return here, nil
		}
		var violation *Violation
		if here, violation = s.world.after(here, only); violation != nil {
			return here, violation
		}
	}
}

// stop reports whether time or memory is used up.
func (s *search) stop(ctx context.Context) bool {
	if ctx.Err() != nil {
		s.result.Stopped = "the bound on time"
		return true
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > s.world.bounds.Bytes {
		s.result.Stopped = "the bound on memory"
		return true
	}
	return false
}

// path is the events that lead to a state.
func (s *search) path(at int) []uint16 {
	var path []uint16
	for ; at > 0; at = int(s.links.at(at).parent) {
		path = append(path, s.links.at(at).event)
	}
	slices.Reverse(path)
	return path
}
