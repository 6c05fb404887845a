package sim

import (
	"math/rand/v2"
	"time"
)

// world is the event loop: virtual time, what is to happen, and chance.
type world struct {
	rng   *rand.Rand
	now   time.Duration // since the run's start
	queue queue
	order uint64
	trace trace
	halt  bool // a checker has found something
}

// event is something that happens at a time. Where run is set it happens to that
// run of a process only, and waits while the process is paused.
type event struct {
	at    time.Duration
	order uint64 // among events of one time, that of their scheduling
	run   *process
	do    func()
}

// queue is a heap of events: of four children a node, since a queue is popped more
// often than anything else is done in a run, and without an interface, so that an
// event costs no allocation.
type queue []event

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}

func (q *queue) push(e event) {
	*q = append(*q, e)
	h, i := *q, len(*q)-1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
}

func (q *queue) pop() event {
	h := *q
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{} // lets go of what it refers to
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return first
	}
	i := 0
	for {
		least := 4*i + 1
		if least >= len(h) {
			break
		}
		for k := least + 1; k < min(4*i+5, len(h)); k++ {
			if h[k].before(&h[least]) {
				least = k
			}
		}
		if !h[least].before(&last) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = last
	return first
}

// epoch is what the virtual clock counts from.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// clock is the time as time.Time, for the state machines.
func (w *world) clock() time.Time { return epoch.Add(w.now) }

// after schedules something that no process does: the network, a client, a fault.
func (w *world) after(d time.Duration, do func()) { w.schedule(d, nil, do) }

// schedule has a run of a process do something after d, if it still runs.
func (w *world) schedule(d time.Duration, run *process, do func()) {
	w.order++
	w.queue.push(event{at: w.now + max(d, 0), order: w.order, run: run, do: do})
}

// eventsMax bounds a run: the busiest of 2,000 seeds has had 164,380 events, and more
// than so many are two things that call each other forever.
const eventsMax = 5_000_000

// runUntil lets everything happen up to a time.
func (w *world) runUntil(end time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= end && !w.halt {
		if w.order > eventsMax {
			panic("a run without an end")
		}
		e := w.queue.pop()
		w.now = e.at
		w.trace.mix(uint64(e.at))
		w.trace.mix(e.order)
		switch {
		case e.run == nil:
			e.do()
		case e.run.dead:
		case e.run.node.paused:
			e.run.node.deferred = append(e.run.node.deferred, e)
		default:
			e.do()
		}
	}
	if !w.halt {
		w.now = end
	}
}

// chance is true with probability p.
func (w *world) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// between is a duration in [lo, hi).
func (w *world) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)))
}

// skewed is a duration in [lo, hi) that is mostly near lo, as latencies are.
func (w *world) skewed(lo, hi time.Duration) time.Duration {
	f := w.rng.Float64()
	return lo + time.Duration(f*f*f*f*float64(hi-lo))
}
