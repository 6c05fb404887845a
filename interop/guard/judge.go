package main

import (
	"cmp"
	"slices"
)

const (
	// runsMin is the fewest runs of which something can be said: of two equal programs all
	// four of one are above all four of the other once in 70 times.
	runsMin = 4
	// placement is by how much a benchmark may change for no other reason than that its
	// code, or its data, has come to lie elsewhere in memory.
	placement = 0.03
)

// change is what has become of a figure.
type change struct {
	before, after float64 // medians
	ratio         float64 // of the medians
	// least and most are the ratios of runs that came one after the other.
	least, most float64
	verdict     verdict
}

type verdict int

const (
	unchanged verdict = iota // or too noisy to tell
	grown
	shrunk
)

// judge compares the runs of a figure, as many of the base as after it. It has grown where
// each run is above each of the base's, and the medians differ by more than atLeast.
func judge(before, after []float64, atLeast float64) change {
	c := change{before: median(before), after: median(after), least: 1, most: 1}
	c.ratio = ratio(c.before, c.after)
	var pairs []float64
	for i := range min(len(before), len(after)) {
		pairs = append(pairs, ratio(before[i], after[i]))
	}
	if len(pairs) < runsMin {
		return c
	}
	c.least, c.most = slices.Min(pairs), slices.Max(pairs)
	switch {
	case slices.Min(after) > slices.Max(before) && c.ratio > 1+atLeast:
		c.verdict = grown
	case slices.Max(after) < slices.Min(before) && c.ratio < 1/(1+atLeast):
		c.verdict = shrunk
	}
	return c
}

// ratio is after by before; from nothing to something it is as from one to one more.
func ratio(before, after float64) float64 {
	if before == 0 {
		return after + 1
	}
	return after / before
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// comparison is a benchmark of both.
type comparison struct {
	name                 string
	nanos, bytes, allocs change
}

func (c *comparison) grown() bool {
	return c.nanos.verdict == grown || c.bytes.verdict == grown || c.allocs.verdict == grown
}

// compare compares the benchmarks that are in both.
func compare(before, after results) []comparison {
	var found []comparison
	for _, name := range sortedKeys(after) {
		b, a := before[name], after[name]
		if b == nil {
			continue
		}
		found = append(found, comparison{name: name,
			nanos: judge(b.nanos, a.nanos, placement), bytes: judge(b.bytes, a.bytes, placement), allocs: judge(b.allocs, a.allocs, 0)})
	}
	return found
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
