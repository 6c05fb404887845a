//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/chronik/chronik/interop/faults/checker"
	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/plan"
)

// report prints runs as they end, and counts.
type report struct {
	out    io.Writer
	target cluster.Target

	runs, broken, expected      int
	acked, unknown, read, final int
	struck, felt                map[plan.Kind]int
}

// add prints a run.
func (r *report) add(res *result) {
	if r.struck == nil {
		r.struck, r.felt = map[plan.Kind]int{}, map[plan.Kind]int{}
	}
	v := res.verdict
	r.runs++
	r.acked, r.unknown, r.read, r.final = r.acked+v.Acked, r.unknown+v.Unknown, r.read+v.Read, r.final+v.Final
	slices.SortFunc(res.bites, func(a, b bite) int { return cmp.Compare(a.strike.Begin, b.strike.Begin) })
	for _, b := range res.bites {
		fmt.Fprintln(r.out, "  ", b)
		r.struck[b.strike.Kind]++
		if b.felt {
			r.felt[b.strike.Kind]++
		}
	}
	for _, what := range mostly(res.errors) {
		fmt.Fprintf(r.out, "   ERROR %5d × %s\n", res.errors[what], what)
	}
	for _, what := range mostly(v.Troubles) {
		fmt.Fprintf(r.out, "   told consumers %5d × %.200s\n", v.Troubles[what], what)
	}
	fmt.Fprintf(r.out, "seed %d: %d sent, %d acknowledged, %d unknown, %d read, %d in the log, %d commits, %d changes of leaders, no acknowledgement for up to %.1f s, whole after %.1f s: %s\n",
		res.plan.Seed, v.Sent, v.Acked, v.Unknown, v.Read, v.Final, v.Commits, res.leaders, v.Stall.Seconds(), res.whole.Seconds(), r.judge(res))
}

// toldMax is how many anomalies of a kind are printed. More are in the file verdict.txt.
const toldMax = 3

// judge says what a run came to, and counts it.
func (r *report) judge(res *result) string {
	if res.kept() {
		return "ok"
	}
	told := map[checker.Kind]int{}
	for _, a := range res.verdict.Anomalies {
		if told[a.Kind]++; told[a.Kind] <= toldMax {
			fmt.Fprintln(r.out, "  ", a)
		}
	}
	for _, p := range res.problems {
		fmt.Fprintln(r.out, "  ", p)
	}
	var found []string
	for _, kind := range slices.Sorted(maps.Keys(res.verdict.Found)) {
		found = append(found, fmt.Sprintf("%d %s", res.verdict.Found[kind], kind))
	}
	if len(res.problems) > 0 {
		found = append(found, fmt.Sprintf("%d problems", len(res.problems)))
	}
	what := strings.Join(found, ", ") + "; see " + res.dir
	if !r.target.SyncsFirst() && slices.ContainsFunc(res.bites, takesPower) {
		r.expected++
		return "LOST, as expected of who acknowledges before it syncs: " + what
	}
	r.broken++
	return "BROKEN: " + what
}

// takesPower tells faults that take what was not synced.
func takesPower(b bite) bool {
	return b.felt && slices.Contains([]plan.Kind{plan.PowerOne, plan.PowerAll, plan.SyncErrors}, b.strike.Kind)
}

// summary prints what all runs came to.
func (r *report) summary() {
	fmt.Fprintf(r.out, "\n%s: %d runs, %d acknowledged, %d unknown, %d read, %d in the logs\n", r.target.Name(), r.runs, r.acked, r.unknown, r.read, r.final)
	for _, kind := range plan.Kinds() {
		if r.struck[kind] > 0 {
			fmt.Fprintf(r.out, "  %-17s struck %3d, bit %3d\n", kind, r.struck[kind], r.felt[kind])
		}
	}
	fmt.Fprintf(r.out, "%d runs broke a promise", r.broken)
	if r.expected > 0 {
		fmt.Fprintf(r.out, ", %d more lost what was not synced, as expected", r.expected)
	}
	fmt.Fprintln(r.out)
}

// complaint is the message of a line that asks somebody to act, without what differs from
// one to the next; empty for other lines.
func complaint(line string) string {
	loud := regexp.MustCompile(`"level":"ERROR"|level=ERROR|^ERROR |\bERR\b|^FATAL |^panic: |^fatal error: `)
	if !loud.MatchString(line) {
		return ""
	}
	if m := regexp.MustCompile(`"msg":"([^"]*)"`).FindStringSubmatch(line); m != nil {
		return m[1]
	}
	short := regexp.MustCompile(`\d+`).ReplaceAllString(strings.TrimSpace(line), "N")
	return short[:min(len(short), 120)]
}

// complaintsMax is how many different ones are printed of a run.
const complaintsMax = 8

// mostly are the keys with the greatest numbers.
func mostly(counts map[string]int) []string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return keys[:min(len(keys), complaintsMax)]
}
