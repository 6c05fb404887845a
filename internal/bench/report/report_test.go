package report

import (
	"math"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/bench/result"
)

func TestReportShowsEverything(t *testing.T) {
	p := reportPage(t, "produce and consume", sample("first", 20))
	if got := textOf(p.all("title")[0]); got != "produce and consume" {
		t.Errorf("title %q", got)
	}
	contains(t, p.section(t, "summary"), "first produce 180,800 185 13 2.00 6.00 16.0 40.0 138", "consume 176,249 180 0", "end-to-end 181,392", "5,400,000 read back, all whole", "1 of 2 held")
	contains(t, textOf(p.named(t, "run-1")),
		"2026-11-27 14:03:05 UTC : 20.0 s measured, after 5.00 s of warm-up.",
		"p99<=100ms 41.2 held", "rate>=200000 180,000 not held",
		"acknowledged read missing duplicated damaged 5,400,000 5,400,000 0 0 0",
		"kind records NOT_LEADER_OR_FOLLOWER 12 timed out 1",
		"acks all key (empty) partitions 12", "Id Xm2k9QpLTQ2yJrXkqR0b1A Brokers 3 Topic bench-1 Partitions 12 Copies of each 3",
		"Processor AMD EPYC 9B14, 2 cores Kernel 6.1.0 Load before 0.10 0.40 0.80 Load after 3.20 1.10 0.90")
}

func TestFaultsAreNotOverlooked(t *testing.T) {
	r := sample("faulty", 3)
	r.Verified = &result.Verified{Acknowledged: 1000, Read: 998, Missing: 3, Duplicated: 1, Damaged: 2}
	p := reportPage(t, "faulty", r)
	bad := ""
	for _, n := range p.all("td") {
		if strings.HasSuffix(attribute(n, "class"), "bad") {
			bad += textOf(n) + "|"
		}
	}
	if want := "13|998 read back, 3 missing, 1 duplicated, 2 damaged|1 of 2 held|not held|3|1|2|"; bad != want {
		t.Errorf("marked as bad: %s, not %s", bad, want)
	}
}

// Every plot has an element, its numbers are those of the result, and stand in the table
// beside it too.
func TestPlotsHaveTheNumbers(t *testing.T) {
	r := sample("plots", 4)
	r.Seconds = 3.5 // the last second was half a second
	r.Sides[0].Over[2] = result.Point{}
	p := reportPage(t, "plots", r)
	plots := p.plots(t)
	if len(plots) != 7 { // the throughput, and of three sides latency over time and a histogram
		t.Fatalf("%d plots", len(plots))
	}
	for _, plot := range plots {
		p.named(t, plot.ID)
		for _, s := range plot.Series {
			if len(s.Values) != len(plot.At) || len(plot.At) < 4 {
				t.Errorf("%s: %d values of %s at %d", plot.ID, len(s.Values), s.Name, len(plot.At))
			}
		}
	}
	same := func(got value, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > 1e-5*math.Abs(want) {
			t.Errorf("%g, not %g", got, want)
		}
	}
	over, rates, latency := r.Sides[0].Over, plots[0].Series[0].Values, plots[1].Series
	same(rates[0], float64(over[0].Records))
	same(rates[2], 0)
	same(rates[3], 2*float64(over[3].Records))
	same(latency[1].Values[0], over[0].P99)
	same(latency[2].Values[3], over[3].Max)
	contains(t, p.source, "null") // of the second in which nothing was acknowledged
	contains(t, textOf(p.named(t, "run-1-plot-1").Parent), "As a table second produce records/s",
		"1 "+number(float64(over[0].Records)), "4 "+number(2*float64(over[3].Records)))
	contains(t, textOf(p.named(t, "run-1-plot-2").Parent), " 3 – – – 4 ")
}

func TestResultsOfNothing(t *testing.T) {
	silent := result.Result{Name: "silent", Seconds: 3, Sides: []result.Side{{Name: "produce", Over: make([]result.Point, 3)}}}
	early := result.Result{Name: "early", Sides: []result.Side{{Name: "produce"}}}
	p := reportPage(t, "nothing", result.Result{Name: "none"}, silent, early)
	text := textOf(p.all("html")[0])
	for _, bad := range []string{"NaN", "Inf"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s in %s", bad, text)
		}
	}
	contains(t, p.section(t, "summary"), "none – – – 0", "silent produce 0 0 0 –", "early produce – – 0 –", "not read back")
	if plots := p.plots(t); len(plots) != 1 || len(plots[0].At) != 3 {
		t.Errorf("plots %+v", plots) // the throughput of the one with seconds
	}
	if plots := reportPage(t, "no results").plots(t); plots == nil || len(plots) != 0 {
		t.Errorf("plots %v", plots)
	}
}
