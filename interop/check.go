package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// result is the outcome of one check.
type result struct {
	suite string
	check string
	err   error
	took  time.Duration
}

// report collects results and prints each as it comes.
type report struct {
	mu struct {
		sync.Mutex
		results []result
	}
	out io.Writer
}

func newReport(out io.Writer) *report { return &report{out: out} }

func (r *report) add(res result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.results = append(r.mu.results, res)
	word := "ok  "
	if res.err != nil {
		word = "FAIL"
	}
	took := ""
	if res.took > 0 {
		took = fmt.Sprintf(" (%.1f s)", res.took.Seconds())
	}
	fmt.Fprintf(r.out, "%s %-11s %s%s\n", word, res.suite, res.check, took)
	if res.err != nil {
		fmt.Fprintf(r.out, "     %s\n", strings.ReplaceAll(strings.TrimSpace(res.err.Error()), "\n", "\n     "))
	}
}

// summary prints the counts and returns how many checks failed. That nothing ran
// is a failure too.
func (r *report) summary(took time.Duration) (failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var passed int
	bySuite := map[string]time.Duration{}
	for _, res := range r.mu.results {
		bySuite[res.suite] += res.took
		if res.err != nil {
			failed++
			fmt.Fprintf(r.out, "failed: %s: %s\n", res.suite, res.check)
		} else {
			passed++
		}
	}
	for _, name := range sortedKeys(bySuite) {
		fmt.Fprintf(r.out, "%-11s %.0f s\n", name, bySuite[name].Seconds())
	}
	if passed+failed == 0 {
		failed = 1
	}
	fmt.Fprintf(r.out, "in %.0f s\n%d passed, %d failed\n", took.Seconds(), passed, failed)
	return failed
}

// suiteRun is one suite while it runs.
type suiteRun struct {
	ctx    context.Context
	name   string
	tools  *tools
	broker *broker
	report *report
}

// topic returns a name that this suite alone uses in this run.
func (s *suiteRun) topic(name string) string {
	return "interop-" + s.broker.runID + "-" + s.name + "-" + name
}

// failure carries a failed check out of nested calls to suiteRun.check.
type failure struct{ err error }

// check runs f and records how it ended. A check that fails leaves the later
// ones running: each reports for itself.
func (s *suiteRun) check(name string, f func(c *check)) {
	start := time.Now()
	err := s.attempt(f)
	s.report.add(result{suite: s.name, check: name, err: err, took: time.Since(start)})
}

func (s *suiteRun) attempt(f func(c *check)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fail, ours := r.(failure)
			if !ours {
				panic(r)
			}
			err = fail.err
		}
	}()
	f(&check{suiteRun: s})
	return nil
}

// check is one check while it runs. Its methods end the check when what they
// state is not so.
type check struct {
	*suiteRun
	trace []string // commands run so far and what they printed, for the report
}

const (
	// traceLinesMax bounds how much of a failed check's output is repeated.
	traceLinesMax = 60
	// traceColumnsMax keeps a line of a dump from filling the screen.
	traceColumnsMax = 300
)

func (c *check) failf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	var lines []string
	for _, t := range c.trace {
		lines = append(lines, strings.Split(strings.TrimRight(t, "\n"), "\n")...)
	}
	if n := len(lines) - traceLinesMax; n > 0 {
		lines = append([]string{fmt.Sprintf("(%d lines before)", n)}, lines[n:]...)
	}
	for i, line := range lines {
		lines[i] = shortened(line, traceColumnsMax)
	}
	panic(failure{fmt.Errorf("%s\n%s", text, strings.Join(lines, "\n"))})
}

func shortened(text string, bytesMax int) string {
	if len(text) > bytesMax {
		return text[:bytesMax] + " …"
	}
	return text
}

func (c *check) noError(err error) {
	if err != nil {
		c.failf("%v", err)
	}
}

func (c *check) equal(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		c.failf("%s: got %s, want %s", what, g, w)
	}
}

// matches ends the check unless text has a match of every pattern; ^ and $ are
// the ends of a line.
func (c *check) matches(text string, patterns ...string) {
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(text) {
			c.failf("no match of %s in:\n%s", p, shortened(text, 4*traceColumnsMax))
		}
	}
}

// lacks ends the check if text has a match of a pattern.
func (c *check) lacks(text string, patterns ...string) {
	for _, p := range patterns {
		if m := regexp.MustCompile("(?m)" + p).FindString(text); m != "" {
			c.failf("%q is not expected", m)
		}
	}
}

// sameLines ends the check unless text's lines are want, in any order.
func (c *check) sameLines(text string, want ...string) {
	got := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		c.failf("got %d lines %.300q, want %d: %.300q", len(got), got, len(want), want)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// numbers returns the lines "first" to "last", each number on its own.
func numbers(first, last int) []string {
	var lines []string
	for n := first; n <= last; n++ {
		lines = append(lines, fmt.Sprint(n))
	}
	return lines
}

// text joins lines the way a file holds them.
func text(lines []string) string { return strings.Join(lines, "\n") + "\n" }
