// Package checks runs named checks one after the other, each to its own end,
// and reports them: a line a check with how long it took, the evidence below one
// that failed, and a count at the end. A Report may be used by several suites at
// the same time; its lock is its only one. A Suite and its checks belong to one
// goroutine.
package checks
