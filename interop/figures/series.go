package main

import (
	"fmt"
	"slices"
)

// series is one figure, taken several times.
type series struct {
	what, unit string
	values     []float64
	note       string // what it was taken from
}

func (s *series) add(v float64) { s.values = append(s.values, v) }

// String is a line: least, median and greatest.
func (s series) String() string {
	sorted := slices.Sorted(slices.Values(s.values))
	line := fmt.Sprintf("%-46s min %9s  median %9s  max %9s %s", s.what,
		short(sorted[0]), short(median(sorted)), short(sorted[len(sorted)-1]), s.unit)
	if s.note != "" {
		line += "  (" + s.note + ")"
	}
	return line
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// short has three digits or more.
func short(v float64) string {
	if v < 100 && v != float64(int(v)) {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
