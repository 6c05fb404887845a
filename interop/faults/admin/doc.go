// Package admin asks a cluster who leads what, and waits until it is whole. It is how
// strikes find their victims, and how a run knows that its faults are over.
//
// An Admin may be used by many goroutines.
package admin
