package main

import (
	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/command"
)

// line is a command line; there are many.
type line = command.Line

// suiteRun is one suite while it runs.
type suiteRun struct {
	*checks.Suite
	tools  *tools
	broker *broker
}

// topic returns a name that this suite alone uses in this run.
func (s *suiteRun) topic(name string) string {
	return "interop-" + s.broker.runID + "-" + s.Name + "-" + name
}

// check is one check of a suite while it runs.
type check struct {
	*checks.Check
	*suiteRun
}

// check runs f and records how it ended.
func (s *suiteRun) check(name string, f func(c *check)) {
	s.Check(name, func(c *checks.Check) { f(&check{Check: c, suiteRun: s}) })
}

// numbers and text make records for the console producer.
func numbers(first, last int) []string { return checks.Numbers(first, last) }
func text(lines []string) string       { return checks.Text(lines) }
