package main

import (
	"flag"
	"io"
	"maps"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestShapesCanBeLoaded: each plan is one that load takes.
func TestShapesCanBeLoaded(t *testing.T) {
	for _, s := range shapes() {
		s.plan.Duration = lengthMax
		if err := s.plan.Check(); err != nil || s.partitions < 1 {
			t.Errorf("%s: %v, %d partitions", s.name, err, s.partitions)
		}
	}
}

func TestCommandLine(t *testing.T) {
	parse := func(line string) (options, error) {
		set := flag.NewFlagSet("profile", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		return parseOptions(set, strings.Fields(line))
	}
	if o, err := parse("-shape one -seconds 3"); err != nil || o.shape.name != "one" || o.length != 3*time.Second || o.dir != ".cache/profile/one" {
		t.Errorf("%+v, %v", o, err)
	}
	for line, want := range map[string]string{"-shape round": "-shape round: there is no such shape", "-seconds 0": "-seconds 0: it is 1 or more"} {
		if _, err := parse(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestMetricsAreTakenByName: without labels, and all of them.
func TestMetricsAreTakenByName(t *testing.T) {
	page := "# HELP a b\n" + recordsIn + `{topic="t"} 7` + "\n"
	for _, name := range metricNames() {
		page += name + " 1.5e+3\n"
	}
	c, err := parseMetrics([]byte(page))
	if err != nil || len(c) != len(metricNames()) || c[recordsIn] != 1500 {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := parseMetrics([]byte(strings.ReplaceAll(page, syncs+" ", "gone "))); err == nil || !strings.Contains(err.Error(), syncs) {
		t.Errorf("without a metric: %v", err)
	}
}

func TestThisProcessIsCounted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	c := counters{}
	if err := countProcess(os.Getpid(), c); err != nil || c[voluntary] <= 0 {
		t.Errorf("%v, %v", c, err)
	}
	if err := countProcess(-1, c); err == nil {
		t.Error("a process that is not there was counted")
	}
}

func TestTableOfStrace(t *testing.T) {
	const table = `syscall              calls
---------------- ---------
futex                  120
pwrite64                30
---------------- ---------
total                  150
`
	if got, want := parseTrace(table), (counters{"futex": 120, "pwrite64": 30}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestCostsAreOfTheClustersWork: a node that leads nothing pays for what all have done.
func TestCostsAreOfTheClustersWork(t *testing.T) {
	f := found{took: time.Second, nodes: []counters{
		{processor: 2, recordsIn: 3_000_000, bytesIn: 1e9, batchesIn: 1000, syncs: 100, synced: 400, voluntary: 5000},
		{processor: 1, syncs: 50, synced: 50, voluntary: 1000},
	}}
	f.calls = calls{how: "hand", byNode: []counters{{"futex": 30}, {"futex": 10, "read": 5}}, during: []counters{{batchesIn: 10}, {}}}
	var out strings.Builder
	f.write(&out)
	for _, want := range [][]string{
		{"CPU seconds a GB", "2.00", "1.00", "3.00"},
		{"CPU seconds a million records", "0.667", "0.333", "1.00"},
		{"waits (voluntary switches) a batch", "5.00", "1.00", "6.00"},
		{"appends a sync", "4.00", "1.00", "3.00"},
		{"futex", "3.00", "1.00", "4.00"},
		{"bytes allocated a batch", "0", "0", "0"},
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(want, " ")) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}

// TestWhatIsReadIsCountedByItsBytes.
func TestWhatIsReadIsCountedByItsBytes(t *testing.T) {
	f := found{reads: true}
	if w := f.workOf([]counters{{bytesOut: 10 * storedBytes, fetches: 2, bytesIn: 7}}); w.records != 10 || w.batches != 2 {
		t.Errorf("%+v", w)
	}
}

// TestNothingHasNoAverage: who reads only makes no syncs.
func TestNothingHasNoAverage(t *testing.T) {
	if got := short(math.NaN()); got != "-" {
		t.Errorf("an average of nothing is %s", got)
	}
}
