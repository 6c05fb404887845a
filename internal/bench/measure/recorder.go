package measure

import (
	"sync"
	"time"
)

// pendingMax is how many samples a recorder keeps to itself, 6 KiB of them: so many share
// a turn at the collector's lock.
const pendingMax = 256

// sample is what is known of a record, or of several that were read at once.
type sample struct {
	at      time.Duration // when it was acknowledged or read
	latency time.Duration // noLatency where that does not count
	records int32
	bytes   int32
}

const noLatency = -1

// Recorder takes down what one caller sees. Its methods may be called concurrently,
// although its lock is meant for a single caller who finds it free.
type Recorder struct {
	collector *Collector
	window    *Window

	mu      sync.Mutex
	pending []sample // guarded by mu
}

// Done records that a record of so many bytes was acknowledged at a time, and had been due
// at another.
func (r *Recorder) Done(due, at time.Duration, bytes int) {
	s := sample{at: at, latency: noLatency, records: 1, bytes: int32(bytes)}
	if r.window.Contains(due) {
		s.latency = at - due
	}
	r.add(s)
}

// Read records that so many records were read, of which no latency is known.
func (r *Recorder) Read(at time.Duration, records, bytes int) {
	r.add(sample{at: at, latency: noLatency, records: int32(records), bytes: int32(bytes)})
}

// Failed records that a record which was due at a time has failed for good at another.
func (r *Recorder) Failed(due, at time.Duration, kind string) {
	if r.window.Contains(due) || r.window.Contains(at) {
		r.collector.failed(at, kind, 1)
	}
}

func (r *Recorder) add(s sample) {
	r.mu.Lock()
	r.pending = append(r.pending, s)
	if len(r.pending) == pendingMax {
		r.flushLocked()
	}
	r.mu.Unlock()
}

func (r *Recorder) flush() {
	r.mu.Lock()
	r.flushLocked()
	r.mu.Unlock()
}

func (r *Recorder) flushLocked() {
	r.collector.absorb(r.pending)
	r.pending = r.pending[:0]
}
