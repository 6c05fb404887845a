package checks

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Result is the outcome of one check.
type Result struct {
	Suite string
	Check string
	Err   error
	Took  time.Duration
}

// Report collects results and prints each as it comes.
type Report struct {
	mu struct {
		sync.Mutex
		results []Result
	}
	out io.Writer
}

// NewReport makes an empty report that prints to out.
func NewReport(out io.Writer) *Report { return &Report{out: out} }

// Add records and prints a result.
func (r *Report) Add(res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.results = append(r.mu.results, res)
	word := "ok  "
	if res.Err != nil {
		word = "FAIL"
	}
	took := ""
	if res.Took > 0 {
		took = fmt.Sprintf(" (%.1f s)", res.Took.Seconds())
	}
	fmt.Fprintf(r.out, "%s %-13s %s%s\n", word, res.Suite, res.Check, took)
	if res.Err != nil {
		fmt.Fprintf(r.out, "     %s\n", strings.ReplaceAll(strings.TrimSpace(res.Err.Error()), "\n", "\n     "))
	}
}

// Results are those that were added, in order.
func (r *Report) Results() []Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mu.results)
}

// Summary prints the counts and returns how many checks failed. That nothing ran
// is a failure too.
func (r *Report) Summary(took time.Duration) (failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var passed int
	bySuite := map[string]time.Duration{}
	for _, res := range r.mu.results {
		bySuite[res.Suite] += res.Took
		if res.Err != nil {
			failed++
			fmt.Fprintf(r.out, "failed: %s: %s\n", res.Suite, res.Check)
		} else {
			passed++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bySuite)) {
		fmt.Fprintf(r.out, "%-13s %.0f s\n", name, bySuite[name].Seconds())
	}
	if passed+failed == 0 {
		failed = 1
	}
	fmt.Fprintf(r.out, "in %.0f s\n%d passed, %d failed\n", took.Seconds(), passed, failed)
	return failed
}
