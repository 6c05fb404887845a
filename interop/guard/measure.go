package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// figures are what the runs of a benchmark have found, a value a run.
type figures struct{ nanos, bytes, allocs []float64 }

// results are figures by the benchmark's name, the package's included.
type results map[string]*figures

// measure runs all benchmarks of both in turn.
func measure(ctx context.Context, o options, pairs []pair, out io.Writer) (before, after results, err error) {
	before, after = results{}, results{}
	for n := range o.runs {
		for _, p := range pairs {
			for _, side := range []struct {
				binary
				to results
			}{{p.base, before}, {p.after, after}} {
				text, err := output(ctx, side.dir, side.path, "-test.run=^$", "-test.bench="+o.bench.String(),
					"-test.benchtime="+o.length, "-test.benchmem")
				if err != nil {
					return nil, nil, fmt.Errorf("benchmarks of %s: %w\n%s", p.name, err, text)
				}
				side.to.add(p.name, string(text))
			}
		}
		fmt.Fprintf(out, "run %d of %d\n", n+1, o.runs)
	}
	return before, after, nil
}

// add takes the figures out of what a benchmark has printed.
func (r results) add(pkg, text string) {
	line := regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)
	for printed := range strings.Lines(text) {
		match := line.FindStringSubmatch(strings.TrimSpace(printed))
		if match == nil {
			continue
		}
		name := pkg[strings.LastIndex(pkg, "/")+1:] + "." + strings.TrimPrefix(match[1], "Benchmark")
		f := r[name]
		if f == nil {
			f = &figures{}
			r[name] = f
		}
		f.add(strings.Fields(match[2]))
	}
}

// add takes values and their units, one after the other.
func (f *figures) add(fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			continue
		}
		switch fields[i+1] {
		case "ns/op":
			f.nanos = append(f.nanos, v)
		case "B/op":
			f.bytes = append(f.bytes, v)
		case "allocs/op":
			f.allocs = append(f.allocs, v)
		}
	}
}
