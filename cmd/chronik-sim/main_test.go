package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/sim"
)

// The test binary is the command, too, for the workers that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == workerArgument {
		work(dyingReader{os.Stdin}, os.Stdout)
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// dies is what a job says that a worker of these tests dies of.
const dies = "dies"

type dyingReader struct{ of io.Reader }

func (r dyingReader) Read(b []byte) (int, error) {
	n, err := r.of.Read(b)
	if bytes.Contains(b[:n], []byte(dies)) {
		os.Exit(7)
	}
	return n, err
}

// simulate runs the command within the test, its workers as processes.
func simulate(args ...string) (code int, out, log string) {
	var o, l bytes.Buffer
	code = run(context.Background(), args, &o, &l)
	return code, o.String(), l.String()
}

func TestSeedsAreSharedAmongWorkersAndSummedUp(t *testing.T) {
	var want sim.Stats
	var traces uint64
	for seed := uint64(5); seed < 11; seed++ {
		r := sim.Run(sim.Options{Seed: seed})
		want.Add(r.Stats)
		traces += r.Hash ^ r.Seed*0x9e3779b97f4a7c15
	}
	for _, workers := range []string{"1", "3"} {
		code, out, log := simulate("-seeds", "6", "-from", "5", "-workers", workers)
		if code != exitKept || log != "" {
			t.Fatalf("exit code %d\n%s%s", code, out, log)
		}
		for _, text := range []string{
			fmt.Sprintf("events %d", want.Events), fmt.Sprintf("batches acknowledged %d", want.Acked),
			fmt.Sprintf("all traces %x", traces), "6 seeds from 5 in", ": 0 broken",
		} {
			if !strings.Contains(plain(out), text) {
				t.Errorf("%s workers: no %q in\n%s", workers, text, out)
			}
		}
	}
}

// plain is a text with single spaces and no commas in numbers.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, ",", "")), " ")
}

// A process of its own gives the trace that this one gives.
func TestReplayTellsTheStoryOfTheSameRun(t *testing.T) {
	r := sim.Run(sim.Options{Seed: 7})
	code, out, _ := simulate("-replay", "7")
	for _, text := range []string{"│ node 0", "Every promise was kept.", fmt.Sprintf("trace %016x", r.Hash)} {
		if code != exitKept || !strings.Contains(out, text) {
			t.Errorf("exit code %d, no %q in %q", code, text, out[max(0, len(out)-500):])
		}
	}
}

func TestMinutesEnd(t *testing.T) {
	code, out, _ := simulate("-minutes", "0.0001", "-calm")
	if code != exitKept || !strings.Contains(out, ": 0 broken") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestWhatCannotBeDoneIsRefused(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-seeds 0", "at least 1"},
		{"-workers 0", "at least 1"},
		{"-minutes -1", "more than 0"},
		{"17", `"17" is no option`},
		{"-nonsense", "-nonsense"},
		{"-plants -replay 3", "not with -plant or -replay"},
		{"-replay 3 -from 2", "one seed"},
		{"-plant none-such", "-plant list"},
	} {
		code, out, log := simulate(strings.Fields(c.args)...)
		if code != exitUsage || out != "" || !strings.Contains(log, c.want) || strings.Count(log, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, want one line with %q", c.args, code, log, c.want)
		}
	}
}

func TestABuildWithoutBugsSaysHowToGetThem(t *testing.T) {
	if plant.Enabled {
		t.Skip("this build has them")
	}
	code, _, log := simulate("-plant", "vote-not-synced", "-seeds", "3")
	if want := "run: go run -tags plant ./cmd/chronik-sim -plant vote-not-synced -seeds 3\n"; code != exitUsage || !strings.HasSuffix(log, want) {
		t.Errorf("exit code %d, %q, want %q", code, log, want)
	}
}

func TestHelpAndListAreAnswered(t *testing.T) {
	if code, _, log := simulate("-h"); code != exitKept || !strings.Contains(log, "-replay 17") || !strings.Contains(log, "-workers W") {
		t.Errorf("exit code %d, %s", code, log)
	}
	code, out, _ := simulate("-plant", "list")
	if code != exitKept || strings.Count(out, "\n") != len(plant.Table()) || !strings.Contains(out, "vote-not-synced ") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// A row of the table for each thing that is counted.
func TestTheTableLacksNothing(t *testing.T) {
	var s sim.Stats
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(i + 1))
	}
	shown := map[int]bool{}
	for _, r := range happened(s) {
		shown[r.count] = true
	}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "Virtual" && !shown[i+1] {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

// A worker that dies has its seed reported, and another takes its place.
func TestAWorkerThatDiesIsABrokenSeed(t *testing.T) {
	p := pool{workers: 1, log: &bytes.Buffer{}}
	s := newSequence(context.Background(), options{from: 1, seeds: 3})
	var got totals
	err := p.run(func() (job, bool) {
		j, ok := s.take()
		if j.Seed == 2 {
			j.Plant = dies
		}
		return j, ok
	}, func(_ job, o outcome) { got.add(o) })
	if err != nil || got.seeds != 3 || len(got.broken) != 1 || got.broken[0].Seed != 2 || got.broken[0].Violation.Checker != "ProcessDied" {
		t.Errorf("%v, %d seeds, broken: %+v", err, got.seeds, got.broken)
	}
}

// Seeds end in any order, and one that breaks without the bug has not found it.
func TestAHuntFindsTheLowestSeedThatTheBugAloneBreaks(t *testing.T) {
	h := hunt{seeds: newSequence(context.Background(), options{from: 1, seeds: 9})}
	broken := &sim.Violation{Checker: "NoAckedLoss"}
	h.add(outcome{Result: sim.Result{Seed: 2}})
	h.add(outcome{Result: sim.Result{Seed: 1, Violation: broken}, Unplanted: broken})
	if j, ok := h.next(); !ok || h.found != nil || j.Seed != 1 {
		t.Fatalf("found %+v", h.found)
	}
	for _, seed := range []uint64{6, 4, 5} {
		h.add(outcome{Result: sim.Result{Seed: seed, Violation: broken}})
	}
	if _, ok := h.next(); ok || h.found.Seed != 4 || len(h.genuine) != 1 || h.genuine[0].Seed != 1 {
		t.Errorf("found %+v, broken without the bug: %+v", h.found, h.genuine)
	}
	if row := plain(h.row(plant.VoteNotSynced, 1)); row != "vote-not-synced NoAckedLoss 4 4" {
		t.Errorf("the row is %q", row)
	}
}

// Of the planted bugs, those that a few seeds find. All of them take minutes: make plants.
func TestPlantedBugsAreFound(t *testing.T) {
	command := filepath.Join(t.TempDir(), "chronik-sim")
	if out, err := exec.Command("go", "build", "-tags", "plant", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	bugs := []plant.Bug{
		plant.AckBeforeQuorum, plant.FollowerAcksUnsynced, plant.ReadAboveHighWatermark, plant.LeaseIgnored, plant.GapAppended,
		plant.OneAnswerElects, plant.FirstInISRElected, plant.ThrottleStarvesISR, plant.PromiseBroken, plant.ShrinkBelowFloor, plant.SequenceWindowOfOne,
	}
	if testing.Short() {
		bugs = bugs[:3]
	}
	for _, b := range bugs {
		out, err := exec.Command(command, "-plant", string(b), "-seeds", "200").CombinedOutput()
		if err != nil || !strings.Contains(string(out), string(b)+": found after ") {
			t.Errorf("%s: %v\n%s", b, err, out)
		}
	}
	out, err := exec.Command(command, "-seeds", "3").CombinedOutput()
	if err != nil {
		t.Errorf("a build with bugs that plants none: %v\n%s", err, out)
	}
}
