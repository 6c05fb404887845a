//go:build linux

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/chronik/chronik/interop/faults/checker"
	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/history"
	"github.com/chronik/chronik/interop/faults/plan"
)

// lossOf is a run that has lost a record, after a strike that was felt or not.
func lossOf(kind plan.Kind, felt bool) *result {
	return &result{
		plan:  plan.Plan{Seed: 7},
		bites: []bite{{strike: plan.Strike{Kind: kind}, victim: 2, felt: felt, what: "something"}},
		verdict: checker.Check([]history.Op{
			{Kind: history.Produce, Client: "a", Value: "a.0.1", Sequence: 1, Outcome: history.Acked},
			{Kind: history.Final, Client: "last", Records: []history.Record{{Offset: 0, Value: "a.0.2"}}},
			{Kind: history.Produce, Client: "a", Value: "a.0.2", Sequence: 2, Outcome: history.Unknown, Offset: history.NoOffset},
		}),
		dir: "somewhere",
	}
}

// TestALossIsExpectedOnlyWhereItIs: of a broker that acknowledges before it syncs, and has
// lost its power.
func TestALossIsExpectedOnlyWhereItIs(t *testing.T) {
	cases := []struct {
		target cluster.Target
		run    *result
		want   string
	}{
		{cluster.Kafka{}, lossOf(plan.PowerAll, true), "LOST, as expected"},
		{cluster.Kafka{}, lossOf(plan.PowerAll, false), "BROKEN"},
		{cluster.Kafka{}, lossOf(plan.KillAll, true), "BROKEN"},
		{cluster.Chronik{}, lossOf(plan.PowerAll, true), "BROKEN"},
	}
	for _, c := range cases {
		var out bytes.Buffer
		r := report{out: &out, target: c.target}
		r.add(c.run)
		r.summary()
		if text := out.String(); !strings.Contains(text, ": "+c.want) || !strings.Contains(text, "1 lost") {
			t.Errorf("%s: %s", c.want, text)
		}
		if expected := c.want != "BROKEN"; (r.expected == 1) != expected || (r.broken == 1) == expected {
			t.Errorf("%s: %d broken, %d expected", c.want, r.broken, r.expected)
		}
	}
}

func TestAProblemBreaksARun(t *testing.T) {
	res := &result{verdict: checker.Check(nil)}
	if !res.kept() {
		t.Error("an empty run is broken")
	}
	if res.problem("node %d", 3); res.kept() {
		t.Error("a problem is none")
	}
}

// TestComplaintsAreFound in the forms in which chronik and Kafka write them.
func TestComplaintsAreFound(t *testing.T) {
	for line, want := range map[string]string{
		`{"time":"2026-11-27T13:24:35Z","level":"ERROR","msg":"Partition is offline","partition":"a-1"}`: "Partition is offline",
		`{"time":"2026-11-27T13:24:35Z","level":"WARN","msg":"level=error"}`:                             "",
		"ERROR Error while loading log dir /data (kafka.log.LogManager)\n":                               "ERROR Error while loading log dir /data (kafka.log.LogManager)",
		"panic: runtime error: index out of range [3] with length 3":                                     "panic: runtime error: index out of range [N] with length N",
		"WARN all is well": "",
	} {
		if got := complaint(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
