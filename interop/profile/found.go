package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// found is what a run has found, but for the profiles.
type found struct {
	reads bool // the load reads, and so work is what was read
	took  time.Duration
	nodes []counters // in that time
	calls calls
}

// work is what a cluster has done for its clients.
type work struct{ records, bytes, batches float64 }

// workOf is what all nodes together have done. Who reads is told bytes and answers, not
// records: there is a batch an answer, and of records as many as such bytes hold.
func (f *found) workOf(nodes []counters) work {
	all := sum(nodes)
	if !f.reads {
		return work{records: all[recordsIn], bytes: all[bytesIn], batches: all[batchesIn]}
	}
	return work{records: all[bytesOut] / storedBytes, bytes: all[bytesOut], batches: all[fetches]}
}

// storedBytes is what a record of the shape that is read takes in the log: its value, and a
// length, two deltas and three empty fields, of varying size.
const storedBytes = 1024 + 10

// row is a line of the table: a figure of a node, or of all nodes together.
type row struct {
	name string
	of   func(node counters, w work) float64
}

func rows() []row {
	per := func(name string, scale float64, by func(work) float64) func(counters, work) float64 {
		return func(c counters, w work) float64 { return c[name] / by(w) * scale }
	}
	records := func(w work) float64 { return w.records }
	bytes := func(w work) float64 { return w.bytes }
	batches := func(w work) float64 { return w.batches }
	aSync := func(name string) func(counters, work) float64 {
		return func(c counters, _ work) float64 { return c[name] / c[syncs] }
	}
	return []row{
		{"CPU seconds", func(c counters, _ work) float64 { return c[processor] }},
		{"CPU seconds a GB", per(processor, 1e9, bytes)},
		{"CPU seconds a million records", per(processor, 1e6, records)},
		{"CPU µs a batch", per(processor, 1e6, batches)},
		{"waits (voluntary switches) a batch", per(voluntary, 1, batches)},
		{"preemptions (involuntary) a batch", per(involuntary, 1, batches)},
		{"syncs a batch", per(syncs, 1, batches)},
		{"appends a sync", aSync(synced)},
		{"bytes a sync", aSync(syncedBytes)},
		{"bytes allocated a record", per(allocated, 1, records)},
		{"bytes allocated a batch", per(allocated, 1, batches)},
		{"objects allocated a batch", per(objects, 1, batches)},
		{"collections of the heap", func(c counters, _ work) float64 { return c[collections] }},
	}
}

// write writes the tables.
func (f *found) write(out io.Writer) {
	w := f.workOf(f.nodes)
	fmt.Fprintf(out, "%s: %s records, %s MB, %s batches of %s records. Below, batches, records and bytes are the cluster's,\n"+
		"and what they cost is each node's, whichever leads; the last column is all nodes.\n\n",
		f.took.Round(time.Millisecond), short(w.records), short(w.bytes/1e6), short(w.batches), short(w.records/w.batches))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	f.head(table)
	for _, r := range rows() {
		line(table, r.name, f.nodes, func(c counters) float64 { return r.of(c, w) })
	}
	_ = table.Flush() // whoever reads has gone

	calls := sum(f.calls.byNode)
	batches := f.workOf(f.calls.during).batches
	fmt.Fprintf(out, "\nsystem calls a batch, by %s (%s batches meanwhile)\n\n", f.calls.how, short(batches))
	f.head(table)
	line(table, "all", f.calls.byNode, func(c counters) float64 { return total(c) / batches })
	for _, name := range mostFirst(calls) {
		if calls[name] >= total(calls)/1000 {
			line(table, name, f.calls.byNode, func(c counters) float64 { return c[name] / batches })
		}
	}
	_ = table.Flush() // as above
	fmt.Fprintln(out)
}

func (f *found) head(table io.Writer) {
	fmt.Fprint(table, "\t")
	for i := range f.nodes {
		fmt.Fprintf(table, "node %d\t", i+1)
	}
	fmt.Fprint(table, "all\t\n")
}

func line(table io.Writer, name string, nodes []counters, of func(counters) float64) {
	fmt.Fprintf(table, "%s\t", name)
	for _, c := range append(slices.Clone(nodes), sum(nodes)) {
		fmt.Fprintf(table, "%s\t", short(of(c)))
	}
	fmt.Fprintln(table)
}

func total(c counters) float64 {
	t := 0.0
	for _, v := range c {
		t += v
	}
	return t
}

// mostFirst are the names of counters, the greatest first.
func mostFirst(c counters) []string {
	return slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b))
	})
}

// short has three digits, or all of those before the point, and nothing of what there is
// none of.
func short(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case v == 0:
		return "0"
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
