// Package histogram counts how often values fall between fixed bounds: where
// things happen, with two atomic additions, no lock and no allocation. Whoever
// wants to know takes a Snapshot, and works with that. It starts no goroutine.
package histogram

import (
	"slices"
	"sync/atomic"
)

// Histogram counts values of one kind, such as nanoseconds or bytes. Its methods
// may be called concurrently.
type Histogram struct {
	bounds []int64 // ascending, never changed
	counts []atomic.Int64
	sum    atomic.Int64
}

// New makes a histogram with the given bounds, which ascend and are not changed
// any more: a value is counted under the first bound that is at least as great,
// and beyond the last one under none.
func New(bounds []int64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Int64, len(bounds)+1)}
}

// Observe counts a value.
func (h *Histogram) Observe(value int64) {
	i, _ := slices.BinarySearch(h.bounds, value)
	h.counts[i].Add(1)
	h.sum.Add(value)
}

// Snapshot is what has been counted so far. Values that are counted while it is
// taken may be missing from a part of it.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{Bounds: h.bounds, Counts: make([]int64, len(h.counts)), Sum: h.sum.Load()}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
	}
	return s
}

// Durations are bounds in nanoseconds from 10 µs to 100 s, ten a decade (the
// series R10 of preferred numbers): a quantile is known to a quarter of itself. 10,
// 25, 50, 100, 250, 500 … are among them.
func Durations() []int64 {
	const least, decades = 10_000, 7
	bounds := make([]int64, 0, 10*decades+1)
	for unit, i := int64(least), 0; i < decades; unit, i = 10*unit, i+1 {
		for _, tenths := range [...]int64{100, 125, 160, 200, 250, 320, 400, 500, 630, 800} {
			bounds = append(bounds, unit*tenths/100)
		}
	}
	return append(bounds, 100_000_000_000)
}

// Powers are the powers of two from least to most, for sizes and numbers of
// things.
func Powers(least, most int64) []int64 {
	var bounds []int64
	for b := least; b <= most; b *= 2 {
		bounds = append(bounds, b)
	}
	return bounds
}
