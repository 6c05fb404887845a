package limits

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// little is enough to have gone through everything.
func little() Effort {
	return Effort{Each: 5 * time.Millisecond, CopyBytes: 1 << 20, FileBytes: 2 << 20}
}

func TestEverythingIsMeasured(t *testing.T) {
	dir := t.TempDir()
	var steps []string
	l, err := little().Measure(t.Context(), dir, func(what string) { steps = append(steps, what) })
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 5 {
		t.Errorf("told of %q", steps)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	// All numbers of the struct, by the names that they have in JSON.
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var values any
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	positive(t, "limits", values)
	if l.Ceiling.Synced > l.Ceiling.Unsynced {
		t.Errorf("ceiling %+v", l.Ceiling)
	}
	for _, line := range l.Lines() {
		if line.What == "" || processorTime() > 0 && strings.Contains(line.Value, "not known") {
			t.Errorf("%q: %q", line.What, line.Value)
		}
	}
}

func positive(t *testing.T, name string, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			positive(t, name+"."+key, inner)
		}
	case float64:
		unknown := processorTime() == 0 && (strings.Contains(strings.ToLower(name), "nanosperbyte") || strings.Contains(name, "ceiling"))
		if v <= 0 && !unknown {
			t.Errorf("%s is %g", name, v)
		}
	}
}

func TestMeasuringCanBeInterrupted(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []string{"memory", "loopback TCP", "loopback round trips", "appending to a file", "syncing"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := little().Measure(ctx, dir, func(what string) {
			if what == at {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted at %s: %v", at, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := little().Measure(t.Context(), t.TempDir()+"/none", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// What two cores with 0.3 ns a byte through TCP, CRC32C at 20 GB/s, memcpy at 11 and
// 0.4 ns a byte appended can do, above a disk that syncs 815 MB/s in three files.
func TestCeiling(t *testing.T) {
	l := Limits{
		Cores: 2, Copy: Rate{One: 11}, CRC: Rate{One: 20}, TCP: TCP{NanosPerByte: 0.3},
		Files: Files{AppendNanosPerByte: 0.4, LargeThree: Syncs{MBPerSecond: 815}},
	}
	if got, want := ceiling(l).String(), "837 MB/s, 272 MB/s with a sync before each acknowledgement"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	l.Files.LargeThree.MBPerSecond = 1e6
	if c := ceiling(l); c.Synced != c.Unsynced {
		t.Errorf("a fast disk: %+v", c)
	}
	l.TCP.NanosPerByte = 0
	if c := ceiling(l); c != (Ceiling{}) {
		t.Errorf("without processor times: %+v", c)
	}
}
