package comparison

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/bench/limits"
	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// compare has two fake systems compared in two turns each.
func compare(ctx context.Context, fail string, change func(*Options)) (report.Comparison, *fakes, error) {
	f := &fakes{fail: fail}
	a, b := &fakeSystem{fakes: f, name: "A", speed: 1}, &fakeSystem{fakes: f, name: "B", speed: 4}
	o := Options{
		Title: "A and B", Systems: []System{a, b}, Shapes: Shapes(0, UsualLength)[1:3], Turns: 2, Losses: 4, Load: f.load(a, b),
		Machine: func() result.Machine {
			return result.Machine{Cores: 2, LoadStart: strings.Join(f.events[max(0, len(f.events)-1):], "")}
		},
	}
	if change != nil {
		change(&o)
	}
	c, err := Run(ctx, o)
	return c, f, err
}

func TestSystemsTakeTurns(t *testing.T) {
	var told []string
	var left []time.Duration
	c, f, err := compare(t.Context(), "", func(o *Options) {
		o.Progress = func(s string, at time.Duration) { told, left = append(told, s), append(left, at) }
	})
	if err != nil {
		t.Fatal(err)
	}
	turn := func(name string) []string {
		return []string{name + " cluster", name + " start", name + " load caller", name + " settle", name + " load small",
			name + " lose", name + " lose", name + " lose", name + " lose", name + " close"}
	}
	want := slices.Concat([]string{"A describe", "B describe"}, turn("A"), turn("B"), turn("A"), turn("B"))
	if !slices.Equal(f.events, want) {
		t.Errorf("did %q\nnot %q", f.events, want)
	}
	if len(told) != 4*7 || told[7] != "turn 1 of 2, B: start" || told[27] != "turn 2 of 2, B: kill -9 of a leader, 4 of 4" {
		t.Errorf("told of %q", told)
	}
	// Of each turn two shapes are known before.
	if turn := 2 * UsualLength; left[0] != 4*turn || left[2] != 4*turn-UsualLength || left[7] != 3*turn || left[27] != 0 {
		t.Errorf("left %v", left)
	}
	if c.Machine.LoadStart != "" || c.Machine.LoadEnd != "B close" {
		t.Errorf("machine %+v", c.Machine)
	}
	var runs []string
	for _, r := range c.Runs {
		runs = append(runs, r.System+": "+r.Result.Name)
	}
	one, small := c.Runs[0].Result.Name, c.Runs[1].Result.Name
	if want := []string{"A: " + one, "A: " + small, "B: " + one, "B: " + small, "A: " + one, "A: " + small, "B: " + one, "B: " + small}; !slices.Equal(runs, want) || one == small {
		t.Errorf("runs %q", runs)
	}
}

// Each turn adds a value to each line, of its own system.
func TestLinesHaveAValueOfEachTurn(t *testing.T) {
	c, _, err := compare(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2][]float64{
		"one caller, 1 KiB: p50":                                                            {{1, 1}, {0.25, 0.25}},
		"one caller, 1 KiB: p99":                                                            {{10, 10}, {2.5, 2.5}},
		"100 B, as fast as it goes, 6 partitions":                                           {{100, 200}, {400, 800}},
		"start of three nodes, to the first acknowledged record":                            {{1, 2}, {0.25, 0.5}},
		"memory of a node, before any load":                                                 {{10, 20}, {10, 20}},
		"kill -9 of a leader, longest time without an acknowledgement: p50 of 4 a turn":     {{2.5, 2.5}, {2.5, 2.5}},
		"kill -9 of a leader, longest time without an acknowledgement: longest of 4 a turn": {{4, 4}, {4, 4}},
	}
	if len(c.Rows) != len(want) {
		t.Errorf("%d rows", len(c.Rows))
	}
	for _, r := range c.Rows {
		for i := range 2 {
			if !slices.Equal(r.Values[i], want[r.What][i]) {
				t.Errorf("%s of %s: %v, not %v", r.What, c.Systems[i].Name, r.Values[i], want[r.What][i])
			}
		}
	}
	if err := report.WriteComparison(io.Discard, c); err != nil {
		t.Error(err)
	}
	var table bytes.Buffer
	if err := report.WriteTable(&table, c); err != nil || !strings.Contains(table.String(), "≤ 0.5 × A: reached") {
		t.Errorf("%v in\n%s", err, &table)
	}
}

// Whatever goes wrong, the cluster is closed, and what was found before is returned.
func TestFailures(t *testing.T) {
	for fail, values := range map[string]int{"B cluster": 1, "B start": 1, "B load caller": 1, "B load small": 2, "B lose": 2, "B close": 2} {
		c, f, err := compare(t.Context(), fail, nil)
		if c.Unfinished == "" || !errors.Is(err, errFake) || !strings.Contains(err.Error(), "turn 1 of 2, B") {
			t.Errorf("%s: %v", fail, err)
		}
		if closed := f.events[len(f.events)-1] == "B close"; closed == (fail == "B cluster") {
			t.Errorf("%s: %q", fail, f.events)
		}
		if n := len(c.Rows[0].Values[0]) + len(c.Rows[0].Values[1]); n != values {
			t.Errorf("%s: %d values", fail, n)
		}
		if err := report.WriteComparison(io.Discard, c); err != nil {
			t.Errorf("%s: %v", fail, err)
		}
	}
	if _, f, err := compare(t.Context(), "B describe", nil); !errors.Is(err, errFake) || len(f.events) != 2 {
		t.Errorf("%v after %q", err, f.events)
	}
}

// A load that was cut short has no value.
func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	c, f, err := compare(ctx, "", func(o *Options) {
		load := o.Load
		o.Load = func(ctx context.Context, b []string, s Shape) (result.Result, error) {
			cancel(interrupted)
			return load(ctx, b, s)
		}
	})
	if !errors.Is(err, interrupted) || c.Unfinished != "turn 1 of 2, A: interrupted" || len(c.Rows[0].Values[0]) != 0 || f.open != 0 {
		t.Errorf("%v with %v, %d open", err, c.Rows[0], f.open)
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	for _, change := range []func(*Options){
		func(o *Options) { o.Systems = o.Systems[:1] }, func(o *Options) { o.Turns = 0 }, func(o *Options) { o.Losses = -1 },
	} {
		if _, f, err := compare(t.Context(), "", change); err == nil || len(f.events) > 0 {
			t.Errorf("%v after %q", err, f.events)
		}
	}
	twice := func(o *Options) { o.Systems[1] = o.Systems[0] }
	if _, f, err := compare(t.Context(), "", twice); err == nil || len(f.events) != 2 {
		t.Errorf("%v after %q", err, f.events)
	}
	nothing := func(context.Context, []string, Shape) (result.Result, error) { return result.Result{}, nil }
	if _, _, err := compare(t.Context(), "", func(o *Options) { o.Load = nothing }); err == nil || !strings.Contains(err.Error(), "nothing was measured") {
		t.Errorf("%v", err)
	}
}

// What all cores can move is the ceiling of floods, and for who syncs what the disk takes.
func TestCeilings(t *testing.T) {
	c, _, err := compare(t.Context(), "", func(o *Options) {
		o.Systems[1].(*fakeSystem).synced = true
		o.Limits = limits.Limits{Cores: 2, Ceiling: limits.Ceiling{Unsynced: 800, Synced: 200}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Limits) == 0 {
		t.Error("the machine's limits are not in it")
	}
	for _, r := range c.Rows {
		if flood := strings.HasPrefix(r.What, "100 B"); flood != slices.Equal(r.Ceilings, []float64{8e6, 2e6}) || !flood && r.Ceilings != nil {
			t.Errorf("%s: ceilings %v", r.What, r.Ceilings)
		}
	}
}
