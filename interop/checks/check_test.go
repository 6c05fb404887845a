package checks

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/chronik/chronik/interop/command"
)

// inSuite runs f in a suite of no broker and returns what it reported.
func inSuite(t *testing.T, f func(*Suite)) []Result {
	t.Helper()
	rep := NewReport(io.Discard)
	f(&Suite{Ctx: t.Context(), Name: "test", Report: rep})
	return rep.Results()
}

func TestFailedCheckLeavesTheNextOneRunning(t *testing.T) {
	got := inSuite(t, func(s *Suite) {
		s.Check("fails", func(c *Check) { c.Equal("a number", 1, 2) })
		s.Check("passes", func(c *Check) { c.Equal("a number", 2, 2) })
	})
	if len(got) != 2 || got[0].Err == nil || got[1].Err != nil {
		t.Errorf("got %v", got)
	}
}

func TestWhatMayBeWhyIsSaidOfFailedChecksAlone(t *testing.T) {
	got := inSuite(t, func(s *Suite) {
		s.Explain = func() error { return errors.New("the broker is gone") }
		s.Check("fails", func(c *Check) { c.Equal("a number", 1, 2) })
		s.Check("passes", func(c *Check) { c.Equal("a number", 2, 2) })
		s.Program("p", command.Line{Args: []string{"sh", "-c", "echo not ok one; exit 1"}})
		s.Explain = func() error { return nil }
		s.Check("nobody knows why", func(c *Check) { c.Equal("a number", 1, 2) })
	})
	for i, why := range []bool{true, false, true, true, false} {
		if explained := got[i].Err != nil && strings.Contains(got[i].Err.Error(), "\nthe broker is gone"); explained != why || got[i].Suite != "test" {
			t.Errorf("%+v", got[i])
		}
	}
	if err := got[4].Err; err == nil || !strings.Contains(err.Error(), "got 1, want 2") {
		t.Error(err)
	}
}

func TestCheckNeedsExitCodeZero(t *testing.T) {
	got := inSuite(t, func(s *Suite) {
		s.Check("exit 3", func(c *Check) { c.Exec(command.Line{Args: []string{"sh", "-c", "echo out; exit 3"}}) })
		s.Check("exit 0", func(c *Check) { c.Equal("output", c.Exec(command.Line{Args: []string{"cat"}, Stdin: "in"}), "in") })
		s.Check("absent", func(c *Check) { c.Exec(command.Line{Args: []string{"no-such-program-anywhere"}}) })
	})
	if got[0].Err == nil || !strings.Contains(got[0].Err.Error(), "exit code 3") || got[1].Err != nil || got[2].Err == nil {
		t.Errorf("got %v", got)
	}
}

func TestProgramThatStopsHalfwayFails(t *testing.T) {
	run := func(script string) []Result {
		return inSuite(t, func(s *Suite) { s.Program("p", command.Line{Args: []string{"sh", "-c", script}}) })
	}
	whole := run("echo ok one; echo '# why'; echo not ok two; echo 1..2")
	if len(whole) != 3 || whole[0].Err != nil || whole[1].Err == nil || whole[1].Err.Error() != "# why" || whole[2].Err != nil {
		t.Errorf("whole: %v", whole)
	}
	for _, script := range []string{"echo ok one", "echo ok one; echo 1..2", "exit 1", "echo 1..0"} {
		if got := run(script); got[len(got)-1].Err == nil {
			t.Errorf("%s: %v", script, got)
		}
	}
}

func TestSummaryOfNothingIsAFailure(t *testing.T) {
	if failed := NewReport(io.Discard).Summary(0); failed == 0 {
		t.Error("no check ran, and none failed")
	}
	var out strings.Builder
	rep := NewReport(&out)
	rep.Add(Result{Suite: "s", Check: "a"})
	rep.Add(Result{Suite: "s", Check: "b", Err: errors.New("no")})
	if failed := rep.Summary(0); failed != 1 || !strings.HasSuffix(out.String(), "\n1 passed, 1 failed\n") {
		t.Errorf("%d failed:\n%s", failed, out.String())
	}
}
