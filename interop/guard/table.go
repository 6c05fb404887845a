package main

import (
	"fmt"
	"io"
	"math/big"
	"strings"
	"text/tabwriter"
	"time"
)

// write writes a line a benchmark, and what has become of them.
func write(out io.Writer, found []comparison, runs int) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "benchmark\ttime before\tafter\tratio\tleast to most\tbytes before\tafter\tallocations before\tafter\t")
	slower, more, better := 0, 0, 0
	for _, c := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%.3f\t%.2f to %.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%s\n", c.name,
			length(c.nanos.before), length(c.nanos.after), c.nanos.ratio, c.nanos.least, c.nanos.most,
			c.bytes.before, c.bytes.after, c.allocs.before, c.allocs.after, verdicts(c))
		if c.nanos.verdict == grown {
			slower++
		}
		if c.bytes.verdict == grown || c.allocs.verdict == grown {
			more++
		}
		if !c.grown() && verdicts(c) != "" {
			better++
		}
	}
	_ = table.Flush() // whoever reads has gone
	fmt.Fprintf(out, "\n%d benchmarks, %d runs each: %d slower, %d allocate more, %d better and nothing worse.\n"+
		"Of a program and itself one figure in %s would be called grown.\n", len(found), runs, slower, more, better, chance(runs))
}

func verdicts(c comparison) string {
	var words []string
	for _, f := range []struct {
		is            verdict
		worse, better string
	}{
		{c.nanos.verdict, "SLOWER", "faster"},
		{c.bytes.verdict, "MORE BYTES", "fewer bytes"},
		{c.allocs.verdict, "MORE ALLOCATIONS", "fewer allocations"},
	} {
		switch f.is {
		case grown:
			words = append(words, f.worse)
		case shrunk:
			words = append(words, f.better)
		case unchanged:
		}
	}
	return strings.Join(words, ", ")
}

// chance is how many orders the runs of two programs can come in: in one of them all of the
// second are above all of the first.
func chance(runs int) string {
	return new(big.Int).Binomial(int64(2*runs), int64(runs)).String()
}

// length is nanoseconds with three digits.
func length(nanos float64) string {
	d := time.Duration(nanos)
	switch {
	case nanos < 1000:
		return fmt.Sprintf("%.3g ns", nanos)
	case d < time.Millisecond:
		return d.Round(10 * time.Nanosecond).String()
	default:
		return d.Round(10 * time.Microsecond).String()
	}
}
