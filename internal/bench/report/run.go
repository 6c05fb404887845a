package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/bench/result"
)

// run is one result as the templates show it.
type run struct {
	result.Result
	Anchor  string // of its part of the document
	Title   string
	Figures []figure
}

// newRun takes a number, from 1, that no other run of the document has.
func newRun(number int, title string, r result.Result) run {
	shown := run{Result: r, Anchor: "run-" + strconv.Itoa(number), Title: title}
	figures := []figure{}
	if f, ok := throughput(r); ok {
		figures = append(figures, f)
	}
	for _, s := range r.Sides {
		if f, ok := latencies(s); ok {
			figures = append(figures, f)
		}
		if f, ok := distribution(s); ok {
			figures = append(figures, f)
		}
	}
	for i := range figures {
		figures[i].Plot.ID = fmt.Sprintf("%s-plot-%d", shown.Anchor, i+1)
	}
	shown.Figures = figures
	return shown
}

// Rows are those of the summary: one for each side, or one that says that there was none.
func (r run) Rows() []row {
	rows := make([]row, 0, len(r.Sides)+1)
	for _, s := range r.Sides {
		c := row{Side: s, Rate: s.Rate(r.Seconds), MBRate: float64(s.Bytes) / r.Seconds / 1e6}
		for _, n := range s.Errors {
			c.Failed += n
		}
		rows = append(rows, c)
	}
	if len(rows) == 0 {
		rows = append(rows, row{Side: result.Side{Name: none}, Rate: math.NaN(), MBRate: math.NaN()})
	}
	return rows
}

// row is one side in the summary.
type row struct {
	result.Side
	Rate, MBRate float64 // records and 10⁶ bytes a second
	Failed       int64   // errors of all kinds
}

// Timed reports whether there are latencies.
func (r row) Timed() bool { return timed(r.Side) }

func timed(s result.Side) bool { return s.Latency.Max > 0 }

// Held says how many requirements were met.
func (r run) Held() verdict {
	held := 0
	for _, q := range r.Required {
		if q.Held {
			held++
		}
	}
	if len(r.Required) == 0 {
		return verdict{Text: "none", Good: true}
	}
	return verdict{Text: fmt.Sprintf("%d of %d held", held, len(r.Required)), Good: held == len(r.Required), Matters: true}
}

// Whole says whether what was read back is what was acknowledged.
func (r run) Whole() verdict { return whole(r.Verified) }

// whole takes nil for what was not read back.
func whole(v *result.Verified) verdict {
	if v == nil {
		return verdict{Text: "not read back", Good: true}
	}
	var faults []string
	for _, f := range []struct {
		n    int64
		what string
	}{{v.Missing, "missing"}, {v.Duplicated, "duplicated"}, {v.Damaged, "damaged"}} {
		if f.n != 0 {
			faults = append(faults, count(f.n)+" "+f.what)
		}
	}
	if len(faults) == 0 {
		return verdict{Text: count(v.Read) + " read back, all whole", Good: true, Matters: true}
	}
	return verdict{Text: count(v.Read) + " read back, " + strings.Join(faults, ", "), Matters: true}
}

// verdict is a word on something, and a colour for it.
type verdict struct {
	Text    string
	Good    bool
	Matters bool // false: no colour
}

// Class is the colour's.
func (v verdict) Class() string {
	switch {
	case !v.Matters:
		return "plain"
	case v.Good:
		return "good"
	default:
		return "bad"
	}
}
