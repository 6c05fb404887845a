package main

import (
	"testing"
	"time"
)

// acksAt are acknowledgements so many milliseconds after a moment.
func acksAt(moment time.Time, offsets ...int) []ack {
	var acks []ack
	for i, ms := range offsets {
		acks = append(acks, ack{number: int64(i), offset: int64(i), at: moment.Add(time.Duration(ms) * time.Millisecond)})
	}
	return acks
}

func TestLongestGap(t *testing.T) {
	struck := time.Now()
	f := func(wantMillis int64, offsets ...int) {
		t.Helper()
		if got := longestGap(acksAt(struck, offsets...), struck); got.Milliseconds() != wantMillis {
			t.Errorf("%v: got %s, want %d ms", offsets, got, wantMillis)
		}
	}
	f(0)
	f(0, -5)
	f(0, -900, -5)                  // what was before the strike does not count
	f(305, -5, 300, 301, 400)       // begins before it
	f(400, -5, 3, 403, 404)         // some came after it still
	f(700, -5, 100, 105, 805, 1000) // the second one is the longer
}

func TestPercentile(t *testing.T) {
	f := func(percent int, want time.Duration, values ...time.Duration) {
		t.Helper()
		if got := percentile(values, percent); got != want {
			t.Errorf("p%d of %v: got %d, want %d", percent, values, got, want)
		}
	}
	f(50, 1, 1)
	f(100, 1, 1)
	f(50, 2, 1, 2, 3)
	f(50, 2, 1, 2, 3, 4)
	f(90, 4, 1, 2, 3, 4)
	f(99, 4, 1, 2, 3, 4)
}
