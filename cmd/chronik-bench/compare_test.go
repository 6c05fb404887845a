package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/bench/comparison"
	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/brokertest"
)

// testSystem is three brokers of the test's own, under some name.
type testSystem struct {
	name  string
	addrs []string
	start func(context.Context) error // nil: it goes well
}

func (s testSystem) Describe(context.Context) (report.System, error) {
	return report.System{Name: s.name, Version: "1", About: "in the test's process"}, nil
}

func (s testSystem) Cluster(context.Context) (comparison.Cluster, error) { return s, nil }

func (s testSystem) Start(ctx context.Context) (time.Duration, error) {
	if s.start == nil {
		return time.Second, nil
	}
	return time.Second, s.start(ctx)
}

func (s testSystem) Bootstrap() []string { return s.addrs }
func (s testSystem) Usage() (comparison.Usage, error) {
	return comparison.Usage{ResidentBytes: 30e6}, nil
}
func (s testSystem) Settle(context.Context) error                      { return nil }
func (s testSystem) LoseLeader(context.Context) (time.Duration, error) { return time.Second / 4, nil }
func (s testSystem) Close() error                                      { return nil }

// shared is a buffer that several goroutines may write to, as they may to a file.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// comparing runs compare with systems of the test's own.
func comparing(ctx context.Context, all []comparison.System, line ...string) (code int, stdout, stderr string) {
	var out bytes.Buffer
	var errs shared
	c := newCommand()
	for _, sub := range c.Commands() {
		if sub.Name() == "compare" {
			c.RemoveCommand(sub)
		}
	}
	c.AddCommand(newCompareCommand(func(context.Context, *compareFlags) ([]comparison.System, error) { return all, nil }))
	code = execute(ctx, c, append([]string{"compare", "--limits=false", "--settle", "0"}, line...), &out, &errs)
	return code, out.String(), errs.text.String()
}

// TestCompare loads two systems with real records, and writes what was found in all forms.
func TestCompare(t *testing.T) {
	cluster := brokertest.StartCluster(t, slog.New(slog.DiscardHandler), []int{1, 2, 3})
	var addrs []string
	for _, b := range cluster.Nodes {
		addrs = append(addrs, b.Addr)
	}
	dir := t.TempDir()
	page, table, data := filepath.Join(dir, "c.html"), filepath.Join(dir, "c.md"), filepath.Join(dir, "c.json")
	systems := []comparison.System{testSystem{name: "Kafka", addrs: addrs}, testSystem{name: "chronik", addrs: addrs}}
	line := []string{"--only", "read,failover", "--turns", "1", "--duration", "1", "--warm-up", "0", "--losses", "2"}

	code, out, errs := comparing(t.Context(), systems, append(line, "--report", page, "--table", table, "--json", data)...)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"1 KiB, as fast as it goes, 12 partitions, records/s\n  Kafka ", "read 1 KiB, hot", "longest of 2 a turn, s\n", " × Kafka", "all whole."} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, want := range []string{"turn 1 of 1, chronik: kill -9 of a leader, 2 of 2 (0s or more to go)", "turn 1 of 1, Kafka: start (2s or more to go)", "topic large was created", "reading back"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not in\n%s", want, errs)
		}
	}
	var found report.Comparison
	text, err := os.ReadFile(data)
	if err := errors.Join(err, json.Unmarshal(text, &found)); err != nil || len(found.Runs) != 4 || found.Unfinished != "" {
		t.Fatalf("%v in %s", err, text)
	}
	if settings := found.Runs[0].Result.Settings; settings["async"] != "true" || settings["replication-factor"] != "3" || settings["idempotent"] != "true" {
		t.Errorf("settings %v", settings)
	}
	for path, want := range map[string]string{page: "<h1>chronik and Apache Kafka</h1>", table: "| what | Kafka 1 | chronik 1 | chronik ÷ Kafka | goal |"} {
		if text, err := os.ReadFile(path); err != nil || !bytes.Contains(text, []byte(want)) {
			t.Errorf("%v in\n%s", err, text)
		}
	}

	// Idle memory of 30 MB is too much.
	code, _, errs = comparing(t.Context(), systems, "--only", "failover", "--turns", "1", "--losses", "1", "--strict")
	if code != exitNotHeld || !strings.Contains(errs, "chronik-bench: memory of a node, before any load, ≤ 25 MB: missed\n") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// TestACutComparison has what was found until then, and says why there is no more.
func TestACutComparison(t *testing.T) {
	failure := errors.New("no memory is left")
	systems := []comparison.System{testSystem{name: "Kafka"}, testSystem{name: "chronik", start: func(context.Context) error { return failure }}}
	page := filepath.Join(t.TempDir(), "c.html")
	code, out, errs := comparing(t.Context(), systems, "--only", "failover", "--report", page)
	if code != exitFailed || !strings.Contains(out, "NOT FINISHED: turn 1 of 2, chronik: no memory is left.") || !strings.Contains(out, "0.25") ||
		!strings.Contains(errs, "chronik-bench: turn 1 of 2, chronik: no memory is left\n") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte("Not finished: turn 1 of 2, chronik")) {
		t.Errorf("%v in\n%s", err, text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, out, errs := comparing(ctx, systems); code != exitFailed || !strings.Contains(out, "NOT FINISHED: turn 1 of 2, Kafka: context canceled") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestCtrlCEndsAComparison, with what was found until then.
func TestCtrlCEndsAComparison(t *testing.T) {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	interrupted := func(ctx context.Context) error {
		err := self.Signal(os.Interrupt)
		<-ctx.Done()
		return errors.Join(err, errors.New("some error that follows from it"))
	}
	systems := []comparison.System{testSystem{name: "Kafka"}, testSystem{name: "chronik", start: interrupted}}
	code, out, errs := comparing(t.Context(), systems, "--only", "failover")
	if code != exitFailed || !strings.Contains(out, "NOT FINISHED: turn 1 of 2, chronik: interrupted.\n") ||
		!strings.HasSuffix(errs, "ending what was started\nchronik-bench: turn 1 of 2, chronik: interrupted\n") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestShapesAreCommandLines of chronik-bench, which takes all of them.
func TestShapesAreCommandLines(t *testing.T) {
	for _, s := range comparison.Shapes(comparison.UsualWarmUp, comparison.UsualLength) {
		o, err := shapeOptions([]string{"a:1", "b:2"}, s)
		p := o.Plan
		if err != nil || o.Name != s.Name || o.Topic != s.Topic || len(o.Servers) != 2 || o.Partitions != s.Partitions || o.Replication != 3 ||
			p.Duration != s.Length || p.WarmUp != s.WarmUp || p.Shape.Size != s.RecordBytes || o.Verify != s.Verify || p.Acks != -1 {
			t.Errorf("%s: %+v, %v", s.Name, o, err)
		}
		if s.Reads != (p.Mode == load.Consume) || s.Reads == p.Idempotent || p.Async != (s.Callers == 0 && !s.Reads) || s.Callers > 0 && p.Concurrency != s.Callers {
			t.Errorf("%s: %+v", s.Name, p)
		}
	}
}

// TestWrongComparisons are refused before anything is started.
func TestWrongComparisons(t *testing.T) {
	for line, want := range map[string]string{
		"compare --turns 0":           "--turns 0: there is one at least",
		"compare --losses 0":          "--losses 0: ",
		"compare --duration 0":        "--duration 0s: ",
		"compare --warm-up -1":        "--warm-up -1s: ",
		"compare --only big":          `--only: "big" is none of callers, one, small, large, read, failover`,
		"compare --table no/dir/t.md": "--table: open no/dir/",
		"compare --server no/such":    "--server no/such: there is no such program",
		"compare":                     "there is no chronik-server beside chronik-bench, in ",
		"compare Kafka":               `unexpected argument "Kafka"`,
		"limits --format csv":         `--format: "csv" is neither table nor json`,
		"limits --each 0":             "--each 0s: ",
		"limits --file-size 0":        "--file-size 0: ",
	} {
		code, out, errs := command(t, strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, "chronik-bench: "+want) || strings.Count(errs, "\n") != 2 {
			t.Errorf("%s: exit code %d\n%s%s", line, code, out, errs)
		}
	}
}

// TestLimits measures for a moment, which is enough to have gone through everything.
func TestLimits(t *testing.T) {
	short := []string{"limits", "--dir", t.TempDir(), "--each", "5ms", "--file-size", "2"}
	code, out, errs := command(t, append(short, "--format", "json")...)
	var found struct {
		Cores   int
		Ceiling struct{ Unsynced, Synced float64 }
	}
	if err := json.Unmarshal([]byte(out), &found); code != exitOK || err != nil || found.Cores < 1 || found.Ceiling.Synced > found.Ceiling.Unsynced {
		t.Errorf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if !strings.Contains(errs, "measuring loopback TCP\n") {
		t.Errorf("%s", errs)
	}
	code, out, errs = command(t, short...)
	if code != exitOK || !strings.Contains(out, "\nceiling of producing 3 copies, all on this machine  ") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if code, _, errs = command(t, "limits", "--dir", "/no/such"); code != exitFailed || !strings.Contains(errs, "/no/such") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
