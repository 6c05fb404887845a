package comparison

import (
	"io"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// Every line is there once, and its goals make sense; what is read has been written before.
func TestShapes(t *testing.T) {
	shapes := Shapes(3*time.Second, 7*time.Second)
	written, lines := map[string]Shape{}, []line{startLine(), idleLine(), medianGapLine(), longestGapLine()}
	for _, s := range shapes {
		lines = append(lines, s.lines...)
		if len(s.lines) == 0 || s.Length != 7*time.Second || s.Partitions < 1 || s.RecordBytes < 1 {
			t.Errorf("%+v", s)
		}
		before, there := written[s.Topic]
		switch {
		case there != s.Reads:
			t.Errorf("%s: topic %s written before: %t", s.Name, s.Topic, there)
		case s.Reads && (before.Partitions != s.Partitions || before.RecordBytes != s.RecordBytes || s.Verify || s.WarmUp != time.Second):
			t.Errorf("%+v reads what %+v has written", s, before)
		case !s.Reads && (!s.Verify || s.WarmUp != 3*time.Second):
			t.Errorf("%+v", s)
		}
		written[s.Topic] = s
	}
	c := report.Comparison{Systems: []report.System{{Name: "A"}, {Name: "B"}}}
	seen := map[string]bool{}
	for _, l := range lines {
		if seen[l.what] {
			t.Errorf("two lines %q", l.what)
		}
		seen[l.what] = true
		c.Rows = append(c.Rows, report.Row{What: l.what, Unit: l.unit, Better: l.better, Goals: l.goals, Values: [][]float64{{1}, {1}}})
	}
	if err := report.WriteComparison(io.Discard, c); err != nil {
		t.Error(err)
	}
}

func TestFiguresOfALoad(t *testing.T) {
	l := loaded{used: used{processor: 30 * time.Second, residentBytes: 123e6}}
	l.Seconds = 4
	l.Sides = []result.Side{{Records: 1000, Bytes: 2e9, Latency: result.Latency{P50: 1, P99: 2, Max: 3}}}
	f := func(name string, of func(loaded) (float64, bool), want float64) {
		t.Helper()
		if got, known := of(l); !known || got != want {
			t.Errorf("%s: %g, %t; not %g", name, got, known, want)
		}
		if name == "memory" {
			return
		}
		if got, known := of(loaded{}); known {
			t.Errorf("%s of nothing: %g", name, got)
		}
	}
	f("rate", rate, 250)
	f("p50", p50, 1)
	f("p99", p99, 2)
	f("processor", processorPerGB, 15)
	f("memory", residentMB, 123)
}
