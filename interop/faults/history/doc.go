// Package history is what the clients of a run did and saw: one operation after
// the other, each with when it began and ended, in memory and as lines of JSON in a
// file. It judges nothing; that is for package checker.
//
// A Recorder may be used by many goroutines. Everything else is values.
package history
