package output

import (
	"fmt"
	"io"

	"github.com/chronik/chronik/internal/bench/result"
)

// Progress says how a run goes: a line for each side of the traffic, every so many seconds.
// It belongs to one goroutine.
type Progress struct {
	to    io.Writer
	every int
	sums  []span
}

// span is some seconds of a side.
type span struct {
	result.Point
	seconds int
}

// NewProgress makes a progress that writes every so many seconds, 1 or more.
func NewProgress(to io.Writer, every int) *Progress { return &Progress{to: to, every: every} }

// Second takes in a second of the run, from 0, and a point for each side.
func (p *Progress) Second(number int, sides []string, points []result.Point) {
	if p.sums == nil {
		p.sums = make([]span, len(sides))
	}
	for i, point := range points {
		p.sums[i].add(point)
	}
	if (number+1)%p.every != 0 {
		return
	}
	for i, side := range sides {
		// Whoever does not read it is not told; the run goes on.
		_, _ = fmt.Fprintf(p.to, "%5d s  %-10s %s\n", number+1, side, p.sums[i].text())
		p.sums[i] = span{}
	}
}

// add adds a second. The quantiles of several are the worst ones: those of all records
// cannot be known from them.
func (s *span) add(p result.Point) {
	s.seconds++
	s.Records += p.Records
	s.Bytes += p.Bytes
	s.Errors += p.Errors
	s.P50, s.P99, s.Max = max(s.P50, p.P50), max(s.P99, p.P99), max(s.Max, p.Max)
}

func (s *span) text() string {
	text := fmt.Sprintf("%11s msg/s  %6s MB/s", grouped(s.Records/int64(s.seconds)), rounded(float64(s.Bytes)/megabyte/float64(s.seconds)))
	if s.Max > 0 {
		text += fmt.Sprintf("  p50 %5s  p99 %5s  max %5s ms", rounded(s.P50), rounded(s.P99), rounded(s.Max))
	}
	switch {
	case s.Errors == 1:
		text += "  1 error"
	case s.Errors > 1:
		text += fmt.Sprintf("  %s errors", grouped(s.Errors))
	}
	return text
}
