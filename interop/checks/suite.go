package checks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/command"
)

// Suite is a list of checks while it runs.
type Suite struct {
	Ctx    context.Context // of all that the checks run
	Name   string
	Report *Report
	// Explain, where not nil, is asked of each check that has failed: what may be why, or
	// nil. It is called where the check runs.
	Explain func() error
}

// failure carries a failed check out of nested calls to Suite.Check.
type failure struct{ err error }

// Check runs f and records how it ended. A check that fails leaves the later
// ones running: each reports for itself.
func (s *Suite) Check(name string, f func(c *Check)) {
	start := time.Now()
	err := s.attempt(f)
	s.add(Result{Check: name, Err: err, Took: time.Since(start)})
}

func (s *Suite) add(res Result) {
	res.Suite = s.Name
	if res.Err != nil && s.Explain != nil {
		res.Err = errors.Join(res.Err, s.Explain())
	}
	s.Report.Add(res)
}

func (s *Suite) attempt(f func(c *Check)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fail, ours := r.(failure)
			if !ours {
				panic(r)
			}
			err = fail.err
		}
	}()
	f(&Check{ctx: s.Ctx})
	return nil
}

// Program runs a client program that reports checks of its own, a line each:
// "ok NAME" or "not ok NAME", details in lines that begin with "#" before it, and
// "1..COUNT" as its last line, without which it has not come to its end.
func (s *Suite) Program(title string, line command.Line) {
	start := time.Now()
	line.Name = title
	out, err := command.Run(s.Ctx, line)
	var details []string
	var checks int
	ended := false
	lines := bufio.NewScanner(strings.NewReader(out.Stdout))
	for lines.Scan() {
		line := lines.Text()
		name, passed := strings.CutPrefix(line, "ok ")
		if !passed {
			name, _ = strings.CutPrefix(line, "not ok ")
		}
		switch {
		case strings.HasPrefix(line, "# "):
			details = append(details, line)
		case line == fmt.Sprintf("1..%d", checks) && checks > 0:
			ended = true
		case passed || name != line:
			res := Result{Check: title + ": " + name}
			if !passed {
				res.Err = errors.New(strings.Join(details, "\n"))
			}
			details = nil
			checks++
			s.add(res)
		}
	}
	if err == nil && !ended {
		err = fmt.Errorf("ended with exit code %d after %d checks\n%s", out.Code, checks, command.Tail(out.All()))
	}
	s.add(Result{Check: title + ": comes to its end", Err: err, Took: time.Since(start)})
}
