// Package command runs other programs and keeps what they print. It knows no
// goroutine but those of os/exec, and no state between two runs.
package command

import (
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

// runMax bounds one command: the slowest takes some seconds on two busy
// cores, and a broker that does not answer must not hold the suite for long.
const runMax = 90 * time.Second

// InstallMax bounds one installation: downloads over a slow line included.
const InstallMax = 10 * time.Minute

// Output is what a command left.
type Output struct {
	Stdout string
	Stderr string
	Code   int
}

// All is standard output and then standard error.
func (o Output) All() string { return o.Stdout + o.Stderr }

// Line is what to run, and how.
type Line struct {
	Name  string   // how reports call it; empty for the first of Args
	Args  []string // program and arguments
	Stdin string
	Dir   string
	Env   []string      // added to ours
	Limit time.Duration // 0: a minute and a half
}

// Run runs a command to its end. The error is of running it at all: an exit
// code other than 0 is an output like any other.
func Run(ctx context.Context, line Line) (Output, error) {
	limit := line.Limit
	if limit == 0 {
		limit = runMax
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p := exec.CommandContext(ctx, line.Args[0], line.Args[1:]...)
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGKILL) }
	p.WaitDelay = time.Second
	p.Dir, p.Env = line.Dir, append(os.Environ(), line.Env...)
	p.Stdin = strings.NewReader(line.Stdin)
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	err := p.Run()
	out := Output{Stdout: stdout.String(), Stderr: stderr.String(), Code: p.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if ctx.Err() != nil {
		return out, fmt.Errorf("%s: no end after %s", line.Title(), limit)
	}
	if err != nil && !errors.As(err, &exit) {
		return out, fmt.Errorf("%s: %w", line.Title(), err)
	}
	return out, nil
}

// Title is how reports call the command.
func (line Line) Title() string {
	if line.Name != "" {
		return line.Name
	}
	return line.Args[0]
}

// Succeed runs a command of which anything but exit code 0 is an error.
func Succeed(ctx context.Context, line Line) error {
	out, err := Run(ctx, line)
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("%s: exit code %d", line.Title(), out.Code)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out.All())
	}
	return nil
}

// TailLines is how much of a long text a report repeats.
const TailLines = 60

// Tail is the end of a long text.
func Tail(text string) string { return Last(text, TailLines) }

// Last are the last lines of a text, or all where there are fewer.
func Last(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
