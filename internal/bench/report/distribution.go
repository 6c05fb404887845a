package report

import (
	"fmt"
	"math"

	"github.com/chronik/chronik/internal/bench/result"
)

// stepsPerDecade is how finely latencies are shown: each step ends at 1.12 times where it
// begins.
const stepsPerDecade = 20

// narrowest is what differences are lost below, in steps.
const narrowest = 1e-6

// distribution shows how often latencies were how long; false: there is nothing to show.
func distribution(s result.Side) (figure, bool) {
	first, shares := spread(s.Latency.Buckets)
	f := figure{
		Caption: "Latency histogram: " + s.Name,
		Sentence: fmt.Sprintf("%s: half of the records within %s ms, 90 %% within %s ms, 99 %% within %s ms, 99.9 %% within %s ms, all within %s ms.",
			s.Name, number(s.Latency.P50), number(s.Latency.P90), number(s.Latency.P99), number(s.Latency.P999), number(s.Latency.Max)),
		Columns: []string{"up to ms", "records", "of all", "up to here"},
		Plot:    plot{Kind: steps, X: "ms", Y: "% of records", LogX: true, Series: []curve{{Name: "records"}}},
	}
	total := 0.0
	for _, n := range shares {
		total += n
	}
	values := &f.Plot.Series[0].Values
	sum := 0.0
	for i, n := range shares {
		f.Plot.At = append(f.Plot.At, value(edge(first+i)))
		*values = append(*values, value(100*n/total))
		sum += n
		f.Rows = append(f.Rows, []string{number(edge(first + i + 1)), number(math.Round(n)), percent(n / total), percent(sum / total)})
	}
	f.Plot.At = append(f.Plot.At, value(edge(first+len(shares))))
	*values = append(*values, gap())
	for _, m := range []mark{{"p50", value(s.Latency.P50)}, {"p99", value(s.Latency.P99)}, {"p99.9", value(s.Latency.P999)}} {
		if m.At > 0 {
			f.Plot.Marks = append(f.Plot.Marks, m)
		}
	}
	return f, total > 0
}

// edge is where the step with an index begins, in milliseconds.
func edge(index int) float64 { return math.Pow(10, float64(index)/stepsPerDecade) }

// stepOf is the index of the step that a latency of so many milliseconds is in, a
// fraction: how far into it. It is rounded, so that an edge is on the edge.
func stepOf(ms float64) float64 {
	return math.Round(stepsPerDecade*math.Log10(ms)/narrowest) * narrowest
}

// spread distributes the counts of buckets, which may be of any width, over steps of the
// same width on a logarithmic axis: bars of different widths would lie. A bucket that
// reaches over several steps is divided evenly. Returned are the index of the first step,
// and the counts from there.
func spread(buckets []result.Bucket) (first int, counts []float64) {
	type piece struct{ from, to, count float64 } // steps
	var pieces []piece
	least, most, before := math.Inf(1), math.Inf(-1), 0.0
	for _, b := range buckets {
		from := before
		before = b.To
		if b.Count <= 0 || b.To <= 0 || math.IsInf(b.To, 0) || math.IsNaN(b.To) {
			continue
		}
		p := piece{from: stepOf(b.To) - 1, to: stepOf(b.To), count: float64(b.Count)}
		if from > 0 && from < b.To {
			p.from = min(stepOf(from), p.to-narrowest)
		}
		pieces = append(pieces, p)
		least, most = min(least, math.Floor(p.from)), max(most, math.Ceil(p.to))
	}
	if len(pieces) == 0 {
		return 0, nil
	}
	counts = make([]float64, int(most-least))
	for _, p := range pieces {
		for at := math.Floor(p.from); at < p.to; at++ {
			share := (min(at+1, p.to) - max(at, p.from)) / (p.to - p.from)
			counts[int(at-least)] += share * p.count
		}
	}
	return int(least), counts
}
