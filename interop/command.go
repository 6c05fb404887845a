package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// commandMax bounds one command: the slowest takes some seconds on two busy
// cores, and a broker that does not answer must not hold the suite for long.
const commandMax = 90 * time.Second

// output is what a command left.
type output struct {
	stdout string
	stderr string
	code   int
}

// command is what to run, and how.
type command struct {
	name  string   // how reports call it; empty for the first of args
	args  []string // program and arguments
	stdin string
	dir   string
	env   []string // added to ours
	limit time.Duration
}

// execute runs a command to its end. The error is of running it at all: an exit
// code other than 0 is an output like any other.
func execute(ctx context.Context, cmd command) (output, error) {
	limit := cmd.limit
	if limit == 0 {
		limit = commandMax
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p := exec.CommandContext(ctx, cmd.args[0], cmd.args[1:]...)
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGKILL) }
	p.WaitDelay = time.Second
	p.Dir, p.Env = cmd.dir, append(os.Environ(), cmd.env...)
	p.Stdin = strings.NewReader(cmd.stdin)
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	err := p.Run()
	out := output{stdout: stdout.String(), stderr: stderr.String(), code: p.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if ctx.Err() != nil {
		return out, fmt.Errorf("%s: no end after %s", cmd.title(), limit)
	}
	if err != nil && !errors.As(err, &exit) {
		return out, fmt.Errorf("%s: %w", cmd.title(), err)
	}
	return out, nil
}

func (cmd command) title() string {
	if cmd.name != "" {
		return cmd.name
	}
	return cmd.args[0]
}

// succeed runs a command for an installation: anything but exit code 0 is an error.
func succeed(ctx context.Context, cmd command) error {
	out, err := execute(ctx, cmd)
	if err == nil && out.code != 0 {
		err = fmt.Errorf("%s: exit code %d", cmd.title(), out.code)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s%s", err, out.stdout, out.stderr)
	}
	return nil
}

// anyCode runs a command in a check and returns what it left.
func (c *check) anyCode(cmd command) output {
	out, err := execute(c.ctx, cmd)
	c.trace = append(c.trace, fmt.Sprintf("$ %s → %d\n%s%s", cmd.title(), out.code, out.stdout, out.stderr))
	c.noError(err)
	return out
}

// exec runs a command that must end with exit code 0 and returns its standard output.
func (c *check) exec(cmd command) string {
	out := c.anyCode(cmd)
	if out.code != 0 {
		c.failf("%s: exit code %d", cmd.title(), out.code)
	}
	return out.stdout
}

// program runs a client program that reports checks of its own, a line each:
// "ok NAME" or "not ok NAME", details in lines that begin with "#" before it, and
// "1..COUNT" as its last line, without which it has not come to its end.
func (s *suiteRun) program(title string, cmd command) {
	start := time.Now()
	cmd.name = title
	out, err := execute(s.ctx, cmd)
	var details []string
	var checks int
	ended := false
	lines := bufio.NewScanner(strings.NewReader(out.stdout))
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
			res := result{suite: s.name, check: title + ": " + name}
			if !passed {
				res.err = errors.New(strings.Join(details, "\n"))
			}
			details = nil
			checks++
			s.report.add(res)
		}
	}
	if err == nil && !ended {
		err = fmt.Errorf("ended with exit code %d after %d checks\n%s", out.code, checks, tail(out.stdout+out.stderr))
	}
	s.report.add(result{suite: s.name, check: title + ": comes to its end", err: err, took: time.Since(start)})
}

// tail is the end of a long text.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > traceLinesMax {
		lines = lines[len(lines)-traceLinesMax:]
	}
	return strings.Join(lines, "\n")
}
