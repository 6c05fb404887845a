package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/internal/brokertest"
)

// command runs a command line.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// TestARunFromTheCommandLine: how it goes on standard error, the result on standard output.
func TestARunFromTheCommandLine(t *testing.T) {
	b := brokertest.Start(t, t.TempDir())
	run := []string{"--bootstrap-servers", b.Addr, "--topic", "t", "--duration", "1", "--warm-up", "100ms", "--concurrency", "8",
		"--message-size", "64", "--acks", "-1", "--verify", "--require"}
	page := filepath.Join(t.TempDir(), "run.html")
	code, out, errs := command(t, append(run, "throughput>=1,errors=0,missing=0", "--format", "json", "--report", page)...)
	var r result.Result
	if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if r.Seconds != 1 || r.Name != "produce" || r.Sides[0].Records == 0 || len(r.Sides[0].Over) != 1 || r.Verified.Missing != 0 || len(r.Required) != 3 {
		t.Errorf("%s", out)
	}
	if r.Settings["concurrency"] != "8" || r.Settings["duration"] != "1s" || r.Settings["bootstrap-servers"] != b.Addr {
		t.Errorf("settings %v", r.Settings)
	}
	for _, line := range []string{"topic t was created", "100ms of warm-up, then 1s", "reading back"} {
		if !strings.Contains(errs, line) {
			t.Errorf("%q is not in:\n%s", line, errs)
		}
	}

	if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte("<h1>chronik-bench: produce</h1>")) {
		t.Errorf("%v in\n%s", err, text)
	}

	code, out, errs = command(t, append(run, "throughput>=1e9,p50<=1h")...)
	if code != exitNotHeld || !strings.Contains(out, "NOT HELD") || !strings.Contains(errs, "chronik-bench: throughput>=1e9 did not hold: it was ") ||
		strings.Contains(errs, "p50<=1h") || !strings.Contains(errs, "topic t is there") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestWrongCommandLines end with one sentence, and the way to more.
func TestWrongCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"--duration soon":        `"soon" is no time: give seconds, such as 30, or a unit, such as 30s or 2m`,
		"--duration -1":          "--duration -1s",
		"--acsk 1":               "unknown flag: --acsk",
		"produce":                `unexpected argument "produce"`,
		"--require p98<1ms":      `--require "p98<1ms": "p98" is no figure`,
		"--format xml":           `--format: "xml" is no format: table, json or csv`,
		"--payload noise":        "--payload: ",
		"--keys some":            "--keys: ",
		"--concurrency=0":        "--concurrency 0",
		"--report no/dir/r.html": "--report: open no/dir/",
		"--command-config no":    "--command-config: no cannot be read: no such file or directory",
		"--bootstrap-servers=,":  "--bootstrap-servers: give the brokers' addresses",
	} {
		code, out, errs := command(t, strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) || !strings.HasSuffix(errs, "See chronik-bench --help.\n") || strings.Count(errs, "\n") != 2 {
			t.Errorf("%s: exit code %d\n%s%s", line, code, out, errs)
		}
	}
}

// TestHelpShowsHowToStart.
func TestHelpShowsHowToStart(t *testing.T) {
	code, out, errs := command(t, "--help")
	if code != exitOK || errs != "" {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	for _, want := range []string{"chronik-bench --bootstrap-servers localhost:9092 --topic t --duration 30", "--require conditions", "coordinated omission", "Exit code"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
}

// TestSecondsAreTheUnit where there is none.
func TestSecondsAreTheUnit(t *testing.T) {
	for text, want := range map[string]time.Duration{"30": 30 * time.Second, "0.5": time.Second / 2, "30s": 30 * time.Second, "2m": 2 * time.Minute} {
		var d time.Duration
		if err := newSeconds(&d, 0).Set(text); err != nil || d != want {
			t.Errorf("%s: %s, %v", text, d, err)
		}
	}
}

// TestConsumeHasNoWarmUp, unless it is given: what is read in it would be missing.
func TestConsumeHasNoWarmUp(t *testing.T) {
	for line, want := range map[string]time.Duration{"--mode consume": 0, "--mode consume --warm-up 1": time.Second, "": 3 * time.Second} {
		var f flags
		c := newCommand()
		c.ResetFlags()
		f.add(c.Flags())
		if err := c.ParseFlags(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		if o, _, err := f.parse(); err != nil || o.Plan.WarmUp != want {
			t.Errorf("%s: %s, %v", line, o.Plan.WarmUp, err)
		}
	}
}
