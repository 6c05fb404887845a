package report

import "math"

// bars are the plot of one row. All lengths are in percent of its width.
type bars struct {
	Bars  []bar
	Goals []goalLine
}

// bar is one system.
type bar struct {
	System      string
	Span        span
	Width       float64   // to the median
	Least, Most float64   // of the line over it
	Runs        []float64 // of the dots
}

// goalLine is where a goal begins to be reached.
type goalLine struct {
	Text string
	At   float64
}

// beyond is how many times the longest bar a plot may be long, to reach a goal.
const beyond = 1.5

// newBars has all bars begin at 0: one that is twice as long is twice as much. A goal that
// is far off is not shown, since it would leave nothing of the bars.
func newBars(systems []System, r compared) bars {
	longest := 0.0
	for _, s := range r.Spans {
		if s.Known() {
			longest = max(longest, s.Most)
		}
	}
	if longest == 0 {
		return bars{}
	}
	end := longest
	limits := make([]float64, 0, len(r.Goals))
	for _, g := range r.Goals {
		at := g.Limit
		if g.Of == Ratio {
			at *= r.Spans[0].Median
		}
		limits = append(limits, at)
		if at <= beyond*longest {
			end = max(end, at)
		}
	}
	percent := func(v float64) float64 { return 98 * max(v, 0) / end } // so that a dot at the end is whole
	var b bars
	for i, s := range r.Spans {
		if !s.Known() {
			continue
		}
		drawn := bar{System: systems[i].Name, Span: s, Width: percent(s.Median), Least: percent(s.Least), Most: percent(s.Most)}
		for _, v := range r.Values[i] {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				drawn.Runs = append(drawn.Runs, percent(v))
			}
		}
		b.Bars = append(b.Bars, drawn)
	}
	for i, g := range r.Goals {
		if limits[i] >= 0 && limits[i] <= end {
			b.Goals = append(b.Goals, goalLine{Text: r.goalText(systems[0].Name, g), At: percent(limits[i])})
		}
	}
	return b
}
