// Package checker looks for broken promises in a history, in the manner of Jepsen's
// Kafka workload: what the last reader read is the log, and everything that was
// acknowledged, read or committed before has to agree with it.
//
// It is pure: operations in, a verdict out. A test plants each anomaly into a
// history without any, and sees it found under its own name.
package checker
