package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/result"
)

const (
	mebi = 1 << 20
	gibi = 1 << 30
)

// line is the form of the table's lines. Processor time and the most memory of a node are
// of the whole traffic, its warm-up included; rates and latencies of what was measured.
const line = "  %-46s %9s %8s %8s %8s %8s %7s %7s %8s %8s %13s %10s\n"

// row prints traffic, a line for each of its sides.
func (s *scene) row(what string, m *measured, v *result.Verified) {
	if !s.headed {
		s.headed = true
		fmt.Fprintf(s.out, line, "", "msg/s", "MB/s", "p50 ms", "p99 ms", "max ms", "errors", "CPU s", "RSS MiB", "syncs/s", "acknowledged", "read back")
	}
	for i := range m.Sides {
		side := m.side(i)
		cells := []any{what, number(side.Rate(m.Seconds)), number(float64(side.Bytes) / 1e6 / m.Seconds)}
		cells = append(cells, latencies(side)...)
		cells = append(cells, strconv.FormatInt(failures(side), 10))
		if i == 0 {
			cells = append(append(cells, used(m)...), readBack(m, v)...)
		} else {
			cells = append(cells, "", "", "", "", "")
		}
		fmt.Fprintf(s.out, line, cells...)
		for _, kind := range slices.Sorted(maps.Keys(side.Errors)) {
			fmt.Fprintf(s.out, "    %d errors: %s\n", side.Errors[kind], kind)
		}
		what = "  " + m.nextSide(i)
	}
}

// nextSide is the name of the side after one.
func (m *measured) nextSide(i int) string {
	if i+1 < len(m.Sides) {
		return m.side(i + 1).Name
	}
	return ""
}

func latencies(side *result.Side) []any {
	if !load.Timed(side.Name) {
		return []any{"", "", ""}
	}
	return []any{number(side.Latency.P50), number(side.Latency.P99), number(side.Latency.Max)}
}

func used(m *measured) []any {
	if m.usage.Took == 0 {
		return []any{"", "", ""}
	}
	syncs := "-"
	if m.usage.SyncsPerSecond >= 0 {
		syncs = number(m.usage.SyncsPerSecond)
	}
	return []any{number(m.usage.CPU.Seconds()), number(m.usage.ResidentBytesMax / mebi), syncs}
}

func readBack(m *measured, v *result.Verified) []any {
	if v == nil {
		return []any{"", ""}
	}
	return []any{strconv.FormatInt(m.Ledger.Acknowledged(), 10), strconv.FormatInt(v.Read, 10)}
}

func failures(side *result.Side) int64 {
	sum := int64(0)
	for _, n := range side.Errors {
		sum += n
	}
	return sum
}

// number has three digits, or as many as are before the point.
func number(f float64) string {
	switch {
	case f < 10:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 100:
		return strconv.FormatFloat(f, 'f', 1, 64)
	default:
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
}

// say prints a line below the table's.
func (s *scene) say(format string, args ...any) {
	fmt.Fprintf(s.out, "  %s\n", fmt.Sprintf(format, args...))
}

// goal prints what a figure should be at most, and is.
func (s *scene) goal(what string, is, most float64, unit string) {
	held := "held"
	if is > most || math.IsNaN(is) {
		held = "NOT held"
	}
	s.say("%s: %s%s, goal <= %s%s: %s", what, number(is), unit, number(most), unit, held)
}
