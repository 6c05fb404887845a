package sim

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

// seedsOr is how many seeds a test runs.
func seedsOr(short, full uint64) uint64 {
	if testing.Short() {
		return short
	}
	return full
}

// Every promise is kept; and the faults bite: everything that is counted has happened.
func TestSeedsKeepEveryPromise(t *testing.T) {
	var total Stats
	seeds := seedsOr(15, 300)
	for seed := uint64(1); seed <= seeds; seed++ {
		r := Run(Options{Seed: seed})
		if r.Violation != nil {
			t.Errorf("seed %d breaks %v\n%s\ngo run ./cmd/chronik-sim -replay %d", seed, r.Violation, r.Plan, seed)
		}
		total.Add(r.Stats)
	}
	if testing.Short() {
		return // too few seeds for what is rare
	}
	v := reflect.ValueOf(total)
	for i := range v.NumField() {
		if v.Field(i).Int() == 0 {
			t.Errorf("%d seeds, and no %s", seeds, v.Type().Field(i).Name)
		}
	}
}

func TestACalmRunLosesAndFencesNobody(t *testing.T) {
	for seed := uint64(1); seed <= seedsOr(3, 20); seed++ {
		r := Run(Options{Seed: seed, Calm: true})
		s := r.Stats
		if r.Violation != nil {
			t.Errorf("seed %d breaks %v", seed, r.Violation)
		}
		if s.Acked == 0 || s.Faults+s.Crashes+s.Fenced+s.LostBatches+s.LostMessages+s.Truncations > 0 {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
}

// A seed decides everything, whether or not somebody reads the story.
func TestASeedGivesOneTrace(t *testing.T) {
	hashes := map[uint64]bool{}
	seeds := seedsOr(5, 30)
	for seed := uint64(1); seed <= seeds; seed++ {
		var story bytes.Buffer
		first, second := Run(Options{Seed: seed}), Run(Options{Seed: seed, Story: &story})
		if first.Hash != second.Hash || first.Stats != second.Stats {
			t.Errorf("seed %d: trace %x, then %x\n%+v\n%+v", seed, first.Hash, second.Hash, first.Stats, second.Stats)
		}
		hashes[first.Hash] = true
	}
	if uint64(len(hashes)) != seeds {
		t.Errorf("%d traces of %d seeds", len(hashes), seeds)
	}
}

func TestTheTraceTellsEveryDifference(t *testing.T) {
	note := func(node int, what string, numbers ...int64) uint64 {
		w := &world{trace: trace{hash: hashBasis}}
		w.now = time.Second
		w.note(node, what, numbers...)
		return w.trace.hash
	}
	hashes := map[uint64]bool{
		note(0, "a %d", 1): true, note(1, "a %d", 1): true, note(0, "b %d", 1): true, note(0, "a %d", 2): true, note(-1, "a %d", 1): true,
	}
	if len(hashes) != 5 {
		t.Errorf("%d hashes of 5 steps", len(hashes))
	}
}

func TestTheStoryHasAColumnANode(t *testing.T) {
	var story bytes.Buffer
	w := &world{trace: trace{story: &story}}
	w.trace.begin(3)
	w.now = 1500 * time.Millisecond
	w.note(2, "leads epoch %d", 7)
	w.note(-1, "all faults end")
	lines := strings.Split(story.String(), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "  seconds │ node 0") || lines[2] != "    1.500 ═ all faults end" {
		t.Fatalf("%q", lines)
	}
	column := func(line, text string) int {
		before, _, found := strings.Cut(line, text)
		if !found {
			t.Fatalf("no %q in %q", text, line)
		}
		return len([]rune(before))
	}
	if heading, step := column(lines[0], "node 2"), column(lines[1], "leads epoch 7"); heading != step {
		t.Errorf("node 2 stands in column %d, its step in %d", heading, step)
	}
}

func TestAddAddsEverything(t *testing.T) {
	var one, sum Stats
	v := reflect.ValueOf(&one).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(i + 1))
	}
	sum.Add(one)
	sum.Add(one)
	for i := range v.NumField() {
		if got := reflect.ValueOf(sum).Field(i).Int(); got != 2*int64(i+1) {
			t.Errorf("%s is %d, want %d", v.Type().Field(i).Name, got, 2*(i+1))
		}
	}
}

func TestTwoRunsAtATimeAreRefused(t *testing.T) {
	restore := replaceChance(1)
	defer restore()
	defer func() {
		if recover() == nil {
			t.Error("a run began within another")
		}
	}()
	Run(Options{Seed: 1})
}
