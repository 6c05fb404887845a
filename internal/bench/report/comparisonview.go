package report

import (
	"fmt"
	"strings"

	"github.com/chronik/chronik/internal/bench/result"
)

// comparisonView is a comparison as the templates show it.
type comparisonView struct {
	Comparison
	Compared []compared
	Wholes   []verdict // by system: whether what all its runs read back was whole
}

// Others are the names of those that the first system is the measure of.
func (v comparisonView) Others() []System { return v.Systems[1:] }

// compared is one row.
type compared struct {
	Row
	Spans  []span // by system
	Ratios []span // by system, without the first
	Judged []judged
	Bars   bars
}

// judged is a goal and a system.
type judged struct {
	System  string // empty where there is only one that it could be
	Goal    string
	Outcome outcome
}

func newComparisonView(c Comparison) *comparisonView {
	v := &comparisonView{Comparison: c}
	for _, s := range c.Systems {
		v.Wholes = append(v.Wholes, whole(c.verified(s.Name)))
	}
	for _, r := range c.Rows {
		row := compared{Row: r}
		for i, values := range r.Values {
			row.Spans = append(row.Spans, spanOf(values))
			if i > 0 {
				row.Ratios = append(row.Ratios, row.Spans[i].over(row.Spans[0]))
			}
		}
		for _, g := range r.Goals {
			row.Judged = append(row.Judged, row.judge(c.Systems, g)...)
		}
		row.Bars = newBars(c.Systems, row)
		v.Compared = append(v.Compared, row)
	}
	return v
}

// verified adds up what a system's runs have read back; nil: none has.
func (c Comparison) verified(system string) *result.Verified {
	var sum *result.Verified
	for _, r := range c.Runs {
		v := r.Result.Verified
		if r.System != system || v == nil {
			continue
		}
		if sum == nil {
			sum = &result.Verified{}
		}
		sum.Acknowledged += v.Acknowledged
		sum.Read += v.Read
		sum.Missing += v.Missing
		sum.Duplicated += v.Duplicated
		sum.Damaged += v.Damaged
		sum.Seconds += v.Seconds
	}
	return sum
}

// judge says how all did whom a goal is for.
func (r compared) judge(systems []System, g Goal) []judged {
	first := min(1, len(systems)-1)
	var all []judged
	for i := first; i < len(systems); i++ {
		of := r.Spans[i]
		if g.Of == Ratio {
			of = r.Ratios[i-1]
		}
		j := judged{Goal: r.goalText(systems[0].Name, g), Outcome: judge(of, r.Better, g.Limit)}
		if len(systems) > 2 {
			j.System = systems[i].Name
		}
		all = append(all, j)
	}
	return all
}

// goalText is such as "required: ≤ 0.35 × Kafka".
func (r compared) goalText(reference string, g Goal) string {
	sign := "≥"
	if r.Better == Less {
		sign = "≤"
	}
	text := fmt.Sprintf("%s %s %s", sign, given(g.Limit), r.Unit)
	if g.Of == Ratio {
		text = fmt.Sprintf("%s %s × %s", sign, given(g.Limit), reference)
	}
	if g.Name != "" {
		text = g.Name + ": " + text
	}
	return strings.TrimSpace(text)
}
