package report

import (
	"fmt"
	"math"
	"strconv"

	"github.com/chronik/chronik/internal/bench/result"
)

// shortest is the least part of a second that a rate is worked out from.
const shortest = 0.1

// throughput shows all sides over time; false: there is nothing to show.
func throughput(r result.Result) (figure, bool) {
	f := figure{
		Caption: "Throughput over time",
		Columns: []string{"second"},
		Plot:    plot{Kind: lines, X: "second", Y: "records/s"},
	}
	seconds := 0
	for _, s := range r.Sides {
		seconds = max(seconds, len(s.Over))
	}
	for i := range seconds {
		f.Plot.At = append(f.Plot.At, value(i+1))
		f.Rows = append(f.Rows, []string{strconv.Itoa(i + 1)})
	}
	for _, s := range r.Sides {
		if len(s.Over) == 0 {
			continue
		}
		f.Columns = append(f.Columns, s.Name+" records/s", s.Name+" MB/s", s.Name+" errors")
		line := curve{Name: s.Name}
		least, most := math.Inf(1), math.Inf(-1)
		for i := range seconds {
			p, rate := result.Point{}, math.NaN()
			if i < len(s.Over) {
				p = s.Over[i]
				rate = 1 / part(r.Seconds, i)
			}
			records := float64(p.Records) * rate
			line.Values = append(line.Values, value(records))
			f.Rows[i] = append(f.Rows[i], number(records), number(float64(p.Bytes)*rate/1e6), count(p.Errors))
			if !math.IsNaN(records) {
				least, most = min(least, records), max(most, records)
			}
		}
		f.Plot.Series = append(f.Plot.Series, line)
		f.Sentence += fmt.Sprintf("%s: %s records/s on average, between %s and %s. ", s.Name, number(s.Rate(r.Seconds)), number(least), number(most))
	}
	return f, seconds > 0
}

// part is how much of the second with that index was measured: the last one may have
// ended early, and would look like a fall. NaN: too little for a rate.
func part(seconds float64, index int) float64 {
	left := seconds - float64(index)
	switch {
	case left >= 1 || left <= 0:
		return 1 // one that begins after the end is all that came late
	case left < shortest:
		return math.NaN()
	default:
		return left
	}
}

// latencies shows one side's over time; false: there is nothing to show.
func latencies(s result.Side) (figure, bool) {
	f := figure{
		Caption: "Latency over time: " + s.Name,
		Sentence: fmt.Sprintf("%s: p50 %s ms, p99 %s ms, at most %s ms.",
			s.Name, number(s.Latency.P50), number(s.Latency.P99), number(s.Latency.Max)),
		Columns: []string{"second", "p50 ms", "p99 ms", "max ms"},
		Plot: plot{Kind: lines, X: "second", Y: "ms", LogY: true,
			Series: []curve{{Name: "p50"}, {Name: "p99"}, {Name: "max"}}},
	}
	for i, p := range s.Over {
		f.Plot.At = append(f.Plot.At, value(i+1))
		cells := []string{strconv.Itoa(i + 1)}
		for j, v := range []float64{p.P50, p.P99, p.Max} {
			if v <= 0 { // nothing was acknowledged; and a logarithm has no 0
				v = math.NaN()
			}
			f.Plot.Series[j].Values = append(f.Plot.Series[j].Values, value(v))
			cells = append(cells, number(v))
		}
		f.Rows = append(f.Rows, cells)
	}
	return f, len(s.Over) > 0 && timed(s)
}
