package report

import (
	"math"
	"slices"
)

// span is where the values of some runs are. All NaN: there are none.
type span struct {
	Least, Median, Most float64
}

// spanOf leaves out what is no number.
func spanOf(values []float64) span {
	sorted := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	n := len(sorted)
	if n == 0 {
		return span{math.NaN(), math.NaN(), math.NaN()}
	}
	slices.Sort(sorted)
	return span{Least: sorted[0], Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Most: sorted[n-1]}
}

// Known reports whether there is a value.
func (s span) Known() bool { return !math.IsNaN(s.Median) && !math.IsInf(s.Median, 0) }

// Wide reports whether there is more than one.
func (s span) Wide() bool { return s.Least != s.Most }

// over is the ratio of the medians, and how far it could be off: from the least of one
// over the most of the other, to the reverse. That is wider than the ratios of runs that
// followed each other, and needs no belief in which of them belong together. The values
// of both are not negative.
func (s span) over(reference span) span {
	return span{Least: s.Least / reference.Most, Median: s.Median / reference.Median, Most: s.Most / reference.Least}
}

// worst is the end that is further from what is wanted.
func (s span) worst(b Better) float64 {
	if b == More {
		return s.Least
	}
	return s.Most
}

// outcome is how a goal ended.
type outcome string

const (
	reached    outcome = "reached"
	byMedian   outcome = "reached by the median, not in every run"
	missed     outcome = "missed"
	unmeasured outcome = "not measured"
)

// judge compares a system's values, or its ratio, with a limit.
func judge(s span, b Better, limit float64) outcome {
	holds := func(v float64) bool {
		if b == More {
			return v >= limit
		}
		return v <= limit
	}
	switch {
	case !s.Known():
		return unmeasured
	case !holds(s.Median):
		return missed
	case !holds(s.worst(b)):
		return byMedian
	default:
		return reached
	}
}

// Class is the colour's.
func (o outcome) Class() string {
	switch o {
	case reached:
		return "good"
	case byMedian:
		return "fair"
	case missed:
		return "bad"
	default:
		return "plain"
	}
}
