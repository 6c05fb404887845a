package comparison

import (
	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// line is a row of the comparison, and how its values are found.
type line struct {
	what, unit string // what is different for each line
	better     report.Better
	goals      []report.Goal
	of         func(loaded) (float64, bool) // of a shape's load; false: not known
}

// Lines of the cluster itself.
func startLine() line {
	return line{what: "start of three nodes, to the first acknowledged record", unit: "s", better: report.Less, goals: []report.Goal{{Of: report.Value, Limit: 1}}}
}

func idleLine() line {
	return line{what: "memory of a node, before any load", unit: "MB", better: report.Less, goals: []report.Goal{{Of: report.Value, Limit: 25}}}
}

func medianGapLine() line {
	return line{what: "kill -9 of a leader, longest gap: p50", unit: "s", better: report.Less, goals: []report.Goal{{Of: report.Value, Limit: 0.5}}}
}

// longestGapLine has the goal of a p99: a turn has too few losses to tell that from the
// longest.
func longestGapLine() line {
	return line{what: "kill -9 of a leader, longest gap: the longest", unit: "s", better: report.Less, goals: []report.Goal{{Of: report.Value, Limit: 1}}}
}

// loaded is a shape's load, and what the nodes used in its measured time.
type loaded struct {
	result.Result
	used used
}

// side is the one side of a shape's traffic; nil: nothing was measured.
func (l loaded) side() *result.Side {
	if len(l.Sides) == 0 || l.Seconds <= 0 {
		return nil
	}
	return &l.Sides[0]
}

func rate(l loaded) (float64, bool) {
	s := l.side()
	if s == nil {
		return 0, false
	}
	return s.Rate(l.Seconds), true
}

func p50(l loaded) (float64, bool) {
	return l.latency(func(of result.Latency) float64 { return of.P50 })
}

func p99(l loaded) (float64, bool) {
	return l.latency(func(of result.Latency) float64 { return of.P99 })
}

func (l loaded) latency(of func(result.Latency) float64) (float64, bool) {
	s := l.side()
	if s == nil || s.Latency.Max == 0 {
		return 0, false
	}
	return of(s.Latency), true
}

func processorPerGB(l loaded) (float64, bool) {
	s := l.side()
	if s == nil || s.Bytes == 0 {
		return 0, false
	}
	return l.used.processor.Seconds() / (float64(s.Bytes) / 1e9), true
}

func residentMB(l loaded) (float64, bool) { return megabytes(l.used.residentBytes), true }

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
