package measure

import (
	"maps"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
)

// Collector gathers what the recorders of one side of the traffic have taken down. Its
// methods may be called concurrently.
type Collector struct {
	window *Window

	registry struct {
		sync.Mutex
		recorders []*Recorder
	}

	mu      sync.Mutex
	all     *distribution    // guarded by mu, as all below
	seconds []second         // of the window, from its start
	errors  map[string]int64 // by kind
}

// second is a second of the window.
type second struct {
	records, bytes, errors int64
	latency                *distribution // nil until there is one
}

// NewCollector makes the collector of a window.
func NewCollector(w *Window) *Collector {
	return &Collector{window: w, all: newDistribution(fine), errors: map[string]int64{}}
}

// Recorder makes a recorder of this collector's.
func (c *Collector) Recorder() *Recorder {
	r := &Recorder{collector: c, window: c.window, pending: make([]sample, 0, pendingMax)}
	c.registry.Lock()
	defer c.registry.Unlock()
	c.registry.recorders = append(c.registry.recorders, r)
	return r
}

// Errors records failures that are known as a number only, of things that were due by
// the window's end.
func (c *Collector) Errors(kind string, n int64) {
	if n > 0 {
		c.failed(c.window.End()-1, kind, n)
	}
}

func (c *Collector) failed(at time.Duration, kind string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errors[kind] += n
	if c.window.Contains(at) {
		c.secondOf(at).errors += n
	}
}

func (c *Collector) absorb(samples []sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range samples {
		inside := c.window.Contains(s.at)
		if s.latency >= 0 {
			c.all.add(s.latency)
		}
		if !inside {
			continue
		}
		now := c.secondOf(s.at)
		now.records += int64(s.records)
		now.bytes += int64(s.bytes)
		if s.latency >= 0 {
			if now.latency == nil {
				now.latency = newDistribution(coarse)
			}
			now.latency.add(s.latency)
		}
	}
}

// secondOf is the second of a time within the window. c.mu is held.
func (c *Collector) secondOf(at time.Duration) *second {
	i := int((at - c.window.start) / time.Second)
	for len(c.seconds) <= i {
		c.seconds = append(c.seconds, second{})
	}
	return &c.seconds[i]
}

// gather has all recorders hand over what they have.
func (c *Collector) gather() {
	c.registry.Lock()
	recorders := c.registry.recorders
	c.registry.Unlock()
	for _, r := range recorders {
		r.flush()
	}
}

// Second is a second of the window, the first one 0, as far as it is known.
func (c *Collector) Second(i int) result.Point {
	c.gather()
	c.mu.Lock()
	defer c.mu.Unlock()
	if i >= len(c.seconds) {
		return result.Point{}
	}
	return c.seconds[i].point()
}

// Side is all that was measured. The window is over when it is called.
func (c *Collector) Side(name string) result.Side {
	c.gather()
	c.mu.Lock()
	defer c.mu.Unlock()
	side := result.Side{Name: name, Errors: maps.Clone(c.errors), Latency: c.all.summary()}
	length := int((c.window.Length() + time.Second - 1) / time.Second)
	side.Over = make([]result.Point, length)
	for i, s := range c.seconds[:min(length, len(c.seconds))] {
		side.Over[i] = s.point()
		side.Records += s.records
		side.Bytes += s.bytes
	}
	return side
}

func (s *second) point() result.Point {
	p := result.Point{Records: s.records, Bytes: s.bytes, Errors: s.errors}
	if s.latency != nil {
		p.P50, p.P99, p.Max = s.latency.quantile(50), s.latency.quantile(99), milliseconds(s.latency.most)
	}
	return p
}
