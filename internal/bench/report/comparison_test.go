package report

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestComparisonShowsEverything(t *testing.T) {
	p := comparisonPage(t, sampleComparison())
	contains(t, p.section(t, "systems"), "Kafka 4.3.1 three combined nodes, 1 GiB of heap each, no fsync 5,400,000 read back, all whole",
		"AMD EPYC 9B14, 2 cores", "Load after 3.20 1.10 0.90")
	contains(t, p.section(t, "figures"),
		"Produce 1 KiB, as fast as it goes records/s more is better 95,000 88,000 to 104,000 88,000 · 104,000 · 95,000 "+
			"201,000 188,000 to 230,000 201,000 · 188,000 · 230,000 2.12 × 1.81 to 2.61 ≥ 2 × Kafka reached by the median, not in every run",
		"required: ≤ 0.5 × Kafka reached", "goal: ≤ 3 ms reached by the median, not in every run",
		"Memory of a node MB less is better 315 31.0 0.0984 × ≤ 25 MB missed",
		"Leader paused s less is better – 2.10 – –", "The client took 40 % of the cores.")
	contains(t, p.section(t, "runs"), "Kafka: produce", "chronik: produce")
	if bars := p.all("rect"); len(bars) != 7 {
		t.Errorf("%d bars", len(bars))
	}
	if plots := p.plots(t); len(plots) != 14 {
		t.Errorf("%d plots", len(plots))
	}
}

// What is kept beside the document is enough to write it again.
func TestComparisonIsPlainData(t *testing.T) {
	c := sampleComparison()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var again Comparison
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, c) {
		t.Errorf("%+v, not %+v", again, c)
	}
	if comparisonPage(t, again).source != comparisonPage(t, c).source {
		t.Error("another document")
	}
}

func TestSpan(t *testing.T) {
	f := func(want span, values ...float64) {
		t.Helper()
		if got := spanOf(values); got != want {
			t.Errorf("%v has %v, not %v", values, got, want)
		}
	}
	f(span{5, 5, 5}, 5)
	f(span{1, 2, 9}, 9, 1, 2)
	f(span{1, 3, 9}, 9, 1, 2, 4)
	f(span{1, 2, 3}, math.NaN(), 3, math.Inf(1), 1)
	if s := spanOf(nil); s.Known() || s.over(span{1, 1, 1}).Known() {
		t.Error("known of nothing")
	}
	if got, want := (span{2, 6, 8}).over(span{1, 3, 4}), (span{0.5, 2, 8}); got != want {
		t.Errorf("ratio %v, not %v", got, want)
	}
}

func TestGoals(t *testing.T) {
	f := func(want outcome, better Better, limit float64, values ...float64) {
		t.Helper()
		if got := judge(spanOf(values), better, limit); got != want {
			t.Errorf("%v, %s than %g: %s, not %s", values, better, limit, got, want)
		}
	}
	f(reached, More, 2, 2, 3, 4)
	f(byMedian, More, 2, 1.9, 3, 4)
	f(missed, More, 2, 1.9, 1.9, 4)
	f(reached, Less, 2, 2, 1, 0)
	f(byMedian, Less, 2, 2.1, 1, 0)
	f(missed, Less, 2, 2.1, 2.1, 0)
	f(unmeasured, Less, 2)
	f(unmeasured, More, 2, math.NaN())
}

// Of several systems each is judged by name; of one alone, it is itself.
func TestWhoIsJudged(t *testing.T) {
	row := Row{What: "x", Better: Less, Values: [][]float64{{1}, {2}, {3}}, Goals: []Goal{{Of: Value, Limit: 2}, {Of: Ratio, Limit: 2}}}
	c := Comparison{Systems: []System{{Name: "A"}, {Name: "B"}, {Name: "C"}}, Rows: []Row{row}}
	contains(t, comparisonPage(t, c).section(t, "figures"),
		"B, ≤ 2 reached C, ≤ 2 missed B, ≤ 2 × A reached C, ≤ 2 × A missed")
	row.Values, row.Goals = row.Values[:1], row.Goals[:1]
	c = Comparison{Systems: c.Systems[:1], Rows: []Row{row}}
	contains(t, comparisonPage(t, c).section(t, "figures"), "≤ 2 reached")
}

func TestIncompleteComparisonsAreRefused(t *testing.T) {
	f := func(want string, change func(*Comparison)) {
		t.Helper()
		c := sampleComparison()
		change(&c)
		for _, write := range []func(*bytes.Buffer) error{
			func(b *bytes.Buffer) error { return WriteComparison(b, c) },
			func(b *bytes.Buffer) error { return WriteTable(b, c) },
		} {
			var b bytes.Buffer
			if err := write(&b); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
				t.Errorf("%v and %d bytes; want %q", err, b.Len(), want)
			}
		}
	}
	f("no systems", func(c *Comparison) { c.Systems = nil })
	f("values of 1 systems, not 2", func(c *Comparison) { c.Rows[0].Values = c.Rows[0].Values[:1] })
	f(`better is ""`, func(c *Comparison) { c.Rows[0].Better = "" })
	f(`a goal of "both"`, func(c *Comparison) { c.Rows[0].Goals[0].Of = "both" })
	f(`a run of "another"`, func(c *Comparison) { c.Runs[0].System = "another" })
	f("a ratio to nothing", func(c *Comparison) {
		c.Systems, c.Runs, c.Rows = c.Systems[:1], nil, c.Rows[:1]
		c.Rows[0].Values = c.Rows[0].Values[:1]
	})
}
