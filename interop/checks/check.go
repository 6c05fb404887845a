package checks

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik/chronik/interop/command"
)

// Check is one check while it runs. Its methods end the check when what they
// state is not so.
type Check struct {
	ctx   context.Context
	trace []string // commands run so far and what they printed, for the report
}

const (
	// traceLinesMax bounds how much of a failed check's output is repeated.
	traceLinesMax = 60
	// traceColumnsMax keeps a line of a dump from filling the screen.
	traceColumnsMax = 300
)

// Note adds to what is repeated should the check fail.
func (c *Check) Note(text string) { c.trace = append(c.trace, text) }

// Failf ends the check.
func (c *Check) Failf(format string, args ...any) {
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

// NoError ends the check where there is an error.
func (c *Check) NoError(err error) {
	if err != nil {
		c.Failf("%v", err)
	}
}

// Equal ends the check unless both print alike.
func (c *Check) Equal(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		c.Failf("%s: got %s, want %s", what, g, w)
	}
}

// Matches ends the check unless text has a match of every pattern; ^ and $ are
// the ends of a line.
func (c *Check) Matches(text string, patterns ...string) {
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(text) {
			c.Failf("no match of %s in:\n%s", p, shortened(text, 4*traceColumnsMax))
		}
	}
}

// Lacks ends the check if text has a match of a pattern.
func (c *Check) Lacks(text string, patterns ...string) {
	for _, p := range patterns {
		if m := regexp.MustCompile("(?m)" + p).FindString(text); m != "" {
			c.Failf("%q is not expected", m)
		}
	}
}

// SameLines ends the check unless text's lines are want, in any order.
func (c *Check) SameLines(text string, want ...string) {
	got := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		c.Failf("got %d lines %.300q, want %d: %.300q", len(got), got, len(want), want)
	}
}

// Number ends the check unless digits are a number, and returns it.
func (c *Check) Number(digits string) int {
	n, err := strconv.Atoi(digits)
	c.NoError(err)
	return n
}

// AnyCode runs a command and returns what it left.
func (c *Check) AnyCode(line command.Line) command.Output {
	out, err := command.Run(c.ctx, line)
	c.Note(fmt.Sprintf("$ %s → %d\n%s", line.Title(), out.Code, out.All()))
	c.NoError(err)
	return out
}

// Exec runs a command that must end with exit code 0 and returns its standard output.
func (c *Check) Exec(line command.Line) string {
	out := c.AnyCode(line)
	if out.Code != 0 {
		c.Failf("%s: exit code %d", line.Title(), out.Code)
	}
	return out.Stdout
}

// Fails runs a command that must not end with exit code 0 and returns all that it
// printed.
func (c *Check) Fails(line command.Line) string {
	out := c.AnyCode(line)
	if out.Code == 0 {
		c.Failf("%s: exit code 0, want a failure", line.Title())
	}
	return out.All()
}

// Numbers returns the lines "first" to "last", each number on its own.
func Numbers(first, last int) []string {
	var lines []string
	for n := first; n <= last; n++ {
		lines = append(lines, fmt.Sprint(n))
	}
	return lines
}

// Text joins lines the way a file holds them.
func Text(lines []string) string { return strings.Join(lines, "\n") + "\n" }
