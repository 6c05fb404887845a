package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inSuite runs f in a suite of no broker and returns what it reported.
func inSuite(t *testing.T, f func(*suiteRun)) []result {
	t.Helper()
	rep := newReport(io.Discard)
	f(&suiteRun{ctx: t.Context(), name: "test", broker: &broker{runID: "id"}, report: rep})
	return rep.mu.results
}

func TestFailedCheckLeavesTheNextOneRunning(t *testing.T) {
	got := inSuite(t, func(s *suiteRun) {
		s.check("fails", func(c *check) { c.equal("a number", 1, 2) })
		s.check("passes", func(c *check) { c.equal("a number", 2, 2) })
	})
	if len(got) != 2 || got[0].err == nil || got[1].err != nil {
		t.Errorf("got %v", got)
	}
}

func TestCheckNeedsExitCodeZero(t *testing.T) {
	got := inSuite(t, func(s *suiteRun) {
		s.check("exit 3", func(c *check) { c.exec(command{args: []string{"sh", "-c", "echo out; exit 3"}}) })
		s.check("exit 0", func(c *check) { c.equal("output", c.exec(command{args: []string{"cat"}, stdin: "in"}), "in") })
		s.check("absent", func(c *check) { c.exec(command{args: []string{"no-such-program-anywhere"}}) })
	})
	if got[0].err == nil || !strings.Contains(got[0].err.Error(), "exit code 3") || got[1].err != nil || got[2].err == nil {
		t.Errorf("got %v", got)
	}
}

func TestProgramThatStopsHalfwayFails(t *testing.T) {
	run := func(script string) []result {
		return inSuite(t, func(s *suiteRun) { s.program("p", command{args: []string{"sh", "-c", script}}) })
	}
	whole := run("echo ok one; echo '# why'; echo not ok two; echo 1..2")
	if len(whole) != 3 || whole[0].err != nil || whole[1].err == nil || whole[1].err.Error() != "# why" || whole[2].err != nil {
		t.Errorf("whole: %v", whole)
	}
	for _, script := range []string{"echo ok one", "echo ok one; echo 1..2", "exit 1", "echo 1..0"} {
		if got := run(script); got[len(got)-1].err == nil {
			t.Errorf("%s: %v", script, got)
		}
	}
}

func TestSummaryOfNothingIsAFailure(t *testing.T) {
	if failed := newReport(io.Discard).summary(0); failed == 0 {
		t.Error("no check ran, and none failed")
	}
	var out strings.Builder
	rep := newReport(&out)
	rep.add(result{suite: "s", check: "a"})
	rep.add(result{suite: "s", check: "b", err: errors.New("no")})
	if failed := rep.summary(0); failed != 1 || !strings.HasSuffix(out.String(), "\n1 passed, 1 failed\n") {
		t.Errorf("%d failed:\n%s", failed, out.String())
	}
}

func TestComplaintsAreErrorLines(t *testing.T) {
	b := &broker{logPath: filepath.Join(t.TempDir(), "log")}
	calm := `{"level":"INFO","msg":"became leader","error":"none"}` + "\n" + `12:00:00.000 WRN a request of NO_ERROR` + "\n"
	loud := []string{`{"time":"x","level":"ERROR","msg":"disk"}`, "12:00:00.000 ERR disk", "panic: BUG", "time=x level=ERROR msg=disk"}
	write := func(text string) {
		if err := os.WriteFile(b.logPath, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(calm)
	if err := b.complaints(); err != nil {
		t.Errorf("complains of %v", err)
	}
	for _, line := range loud {
		write(calm + line + "\n")
		if err := b.complaints(); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

func TestSuitesAreChosenByName(t *testing.T) {
	names := func(o options) string {
		list, err := chosen(o)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, s := range list {
			all = append(all, s.name)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		o    options
		want string
	}{
		{options{}, "kafka-tools java python kafka-3.9 kcat kafkajs dump-log restart"},
		{options{broker: "b:1"}, "kafka-tools java python kafka-3.9 kcat kafkajs"},
		{options{suites: []string{"kcat"}}, "kcat"},
		{options{suites: []string{"restart"}}, "kafka-tools restart"},
		{options{suites: []string{"dump-log"}, dataDir: "d"}, "dump-log"},
	} {
		if got := names(c.o); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.o, got, c.want)
		}
	}
	for _, o := range []options{{suites: []string{"nothing"}}, {suites: []string{"dump-log"}, broker: "b:1"}} {
		if _, err := chosen(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
