package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/cluster"
)

// series is one measure of one client, of all trials of a kind.
type series struct {
	kind, measure, client, goal string
	values                      []time.Duration
}

const (
	gapMeasure   = "longest gap"
	aliveMeasure = "… connections alive"
	writeMeasure = "until topic created"
	wholeMeasure = "back in sync after"
)

// report adds what a trial has found, and prints it.
func (t *trial) report(node *cluster.Node, m times) {
	var line []string
	for i, l := range t.ledgers {
		acks, _ := l.all()
		name, gap := t.clients[i].name(), longestGap(acks, m.struck)
		t.add(gapMeasure, name, gap)
		line = append(line, fmt.Sprintf("%s %s", name, milliseconds(gap)))
		if t.clients[i].outOfDate(m.struck, node.ID) {
			line = append(line, "of which a backoff, for a connection that had ended before")
		} else {
			t.add(aliveMeasure, name, gap)
		}
		if t.kind.writes {
			t.add(writeMeasure, name, m.writes[i])
			line = append(line, "writes "+milliseconds(m.writes[i]))
		}
	}
	if !t.kind.orderly {
		t.add(wholeMeasure, "", m.whole)
	}
	fmt.Fprintf(t.out, "%s: node %d at %s: %s; in sync after %s\n", t.topic, node.ID, clock(m.struck), strings.Join(line, ", "), milliseconds(m.whole))
}

// add adds a value to the series of a measure, which it begins if it is the first.
func (t *trial) add(measure, client string, value time.Duration) {
	for _, s := range t.series {
		if s.kind == t.kind.name && s.measure == measure && s.client == client {
			s.values = append(s.values, value)
			return
		}
	}
	s := &series{kind: t.kind.name, measure: measure, client: client, values: []time.Duration{value}}
	if measure == t.kind.measured() || measure == aliveMeasure && t.kind.measured() == gapMeasure {
		s.goal = t.kind.goal
	}
	t.series = append(t.series, s)
}

// measured is the measure that the goal is of.
func (k *kind) measured() string {
	if k.writes && !k.leads {
		return writeMeasure
	}
	return gapMeasure
}

// table prints all series, in milliseconds.
func table(out io.Writer, all []*series) {
	const row = "%-20s %-21s %-32s %6v %7v %7v %7v %7v  %s\n"
	fmt.Fprintf(out, "\n"+row, "milliseconds", "", "client", "trials", "p50", "p90", "p99", "max", "goal")
	trials := map[string]int{}
	for _, s := range all {
		trials[s.kind+s.client] = max(trials[s.kind+s.client], len(s.values))
		if s.measure == aliveMeasure && len(s.values) == trials[s.kind+s.client] {
			continue // the same as the longest gap of all
		}
		sorted := slices.Sorted(slices.Values(s.values))
		at := func(percent int) int64 { return percentile(sorted, percent).Milliseconds() }
		fmt.Fprintf(out, row, s.kind, s.measure, s.client, len(sorted), at(50), at(90), at(99), at(100), s.goal)
	}
}

// percentile is the least value that so many percent of all are not above.
func percentile(sorted []time.Duration, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

func clock(at time.Time) string { return at.Format(time.TimeOnly + ".000") }
