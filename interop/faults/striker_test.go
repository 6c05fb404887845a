//go:build linux

package main

import (
	"testing"

	"github.com/chronik/chronik/interop/faults/plan"
)

// TestEveryFaultCanBeDone: what a plan may ask for, a striker can do.
func TestEveryFaultCanBeDone(t *testing.T) {
	s := newStriker(nil, nil, nil)
	for _, kind := range plan.Kinds() {
		if s.way(kind) == nil {
			t.Errorf("nobody knows how to do %s", kind)
		}
	}
}
