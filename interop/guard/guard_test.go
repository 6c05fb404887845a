package main

import (
	"flag"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestJudge: all runs above all others, and by more than placement does.
func TestJudge(t *testing.T) {
	f := func(before, after []float64, atLeast float64, want verdict) {
		t.Helper()
		if got := judge(before, after, atLeast); got.verdict != want {
			t.Errorf("%v and %v: %+v, want verdict %d", before, after, got, want)
		}
	}
	base := []float64{100, 101, 103, 99, 100, 102}
	f(base, []float64{110, 112, 108, 109, 111, 110}, placement, grown)
	f([]float64{110, 112, 108, 109, 111, 110}, base, placement, shrunk)
	f(base, []float64{110, 112, 108, 103, 111, 110}, placement, unchanged) // one is as fast as one of the base's
	f(base, []float64{104, 104, 104, 104, 104, 104}, placement, grown)
	f(base, []float64{103.5, 103.5, 103.5, 103.5, 103.5, 103.5}, placement, unchanged) // code has moved
	f(base, base, placement, unchanged)
	f([]float64{100, 100, 100}, []float64{200, 200, 200}, placement, unchanged) // too few
	f(nil, nil, placement, unchanged)

	same := []float64{7, 7, 7, 7}
	f(same, []float64{8, 8, 8, 8}, 0, grown)
	f(same, []float64{8, 7, 8, 8}, 0, unchanged)
	f(same, []float64{6, 6, 6, 6}, 0, shrunk)
	f([]float64{0, 0, 0, 0}, []float64{1, 1, 1, 1}, 0, grown)
	f([]float64{0, 0, 0, 0}, []float64{0, 0, 0, 0}, 0, unchanged)
}

// TestRangeIsOfRunsSideBySide: a machine that becomes twice as slow has not changed the ratio.
func TestRangeIsOfRunsSideBySide(t *testing.T) {
	c := judge([]float64{100, 100, 200, 200}, []float64{110, 120, 220, 230}, placement)
	if c.least != 1.1 || c.most != 1.2 || c.verdict != unchanged {
		t.Errorf("%+v", c)
	}
}

// TestEqualProgramsAreSeldomCalledSlower: as seldom as the table says, whatever the noise.
func TestEqualProgramsAreSeldomCalledSlower(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const runs, rounds = 6, 50_000
	called := 0
	for range rounds {
		var all []float64
		for range 2 * runs {
			all = append(all, 100*(1+random.ExpFloat64()))
		}
		if judge(all[:runs], all[runs:], 0).verdict == grown {
			called++
		}
	}
	if chance(runs) != "924" || called < rounds/924/2 || called > rounds/924*2 {
		t.Errorf("%d of %d rounds, %s says the table", called, rounds, chance(runs))
	}
}

const printed = `goos: linux
cpu: a
BenchmarkProduce/16-2         	     300	    145277 ns/op	  29.74 MB/s	    1215 B/op	      18 allocs/op
BenchmarkAppend-2   	 500	 12.5 ns/op	 3.00 p50-µs	 0 B/op	 0 allocs/op
PASS
`

func TestFiguresAreReadByTheirUnits(t *testing.T) {
	r := results{}
	r.add("example.org/internal/api", printed)
	r.add("example.org/internal/api", strings.ReplaceAll(printed, "12.5", "13"))
	if len(r) != 2 || !slices.Equal(r["api.Append"].nanos, []float64{12.5, 13}) || !slices.Equal(r["api.Produce/16"].allocs, []float64{18, 18}) ||
		!slices.Equal(r["api.Produce/16"].bytes, []float64{1215, 1215}) {
		t.Errorf("%+v", r)
	}
}

// TestTheTableSaysWhatHasGrown, and of what is in one of the two only nothing.
func TestTheTableSaysWhatHasGrown(t *testing.T) {
	four := func(v float64) []float64 { return []float64{v, v, v, v} }
	before := results{
		"a.Slow": {nanos: four(1000), bytes: four(0), allocs: four(0)}, "a.Gone": {nanos: four(1)},
		"a.More": {nanos: four(1000), bytes: four(64), allocs: four(1)}, "a.Less": {nanos: four(1000), bytes: four(64), allocs: four(1)},
	}
	after := results{
		"a.Slow": {nanos: four(1500), bytes: four(0), allocs: four(0)}, "a.New": {nanos: four(1)},
		"a.More": {nanos: four(1000), bytes: four(64), allocs: four(2)}, "a.Less": {nanos: four(1000), bytes: four(0), allocs: four(0)},
	}
	found := compare(before, after)
	var out strings.Builder
	write(&out, found, 4)
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"a.Slow 1µs 1.5µs 1.500 1.50 to 1.50 0 0 0 0 SLOWER", "a.More 1µs 1µs 1.000 1.00 to 1.00 64 64 1 2 MORE ALLOCATIONS",
		"64 0 1 0 fewer bytes, fewer allocations", "3 benchmarks, 4 runs each: 1 slower, 1 allocate more, 1 better and nothing worse.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	for i, want := range []bool{false, true, true} { // Less, More, Slow
		if found[i].grown() != want {
			t.Errorf("%s has grown: %v", found[i].name, !want)
		}
	}
}

func TestBenchmarksAreFoundInSources(t *testing.T) {
	const file = "package a\n\nfunc BenchmarkProduce(b *testing.B) {}\n"
	for bench, want := range map[string]bool{".": true, "Produce": true, "Fetch": false, "Produce/16": true, "Fetch|Pro": true, "^Produce": false} {
		if got := declares([]byte(file), regexp.MustCompile(bench)); got != want {
			t.Errorf("%s: %v", bench, got)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for line, want := range map[string]string{
		"":                    "-base: give a commit",
		"-base a -runs 3":     "-runs 3: fewer than 4",
		"-base a -bench [":    "-bench: ",
		"-base a -bench Next": "",
	} {
		set := flag.NewFlagSet("guard", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		if _, err := parseOptions(set, strings.Fields(line)); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}
