package isr

import (
	"math/bits"
	"testing"
)

func TestCommitQuorumIsAMajorityOrMinInsync(t *testing.T) {
	f := func(n, minInsync, want int) {
		t.Helper()
		if got := CommitQuorum(n, minInsync); got != want {
			t.Errorf("CommitQuorum(%d, %d) = %d, want %d", n, minInsync, got, want)
		}
	}
	f(1, 1, 1)
	f(2, 1, 2)
	f(3, 1, 2)
	f(3, 2, 2)
	f(3, 3, 3)
	f(5, 2, 3)
	f(1, 2, 2)
}

// Goal: any two majorities meet, and any majority meets the answers of an
// election; one answer fewer would miss a majority. Method: all subsets of sets
// of up to seven.
func TestQuorumsMeet(t *testing.T) {
	for n := 1; n <= 7; n++ {
		missed := false
		for a := range uint(1) << n {
			for b := range uint(1) << n {
				if bits.OnesCount(a) < Majority(n) || a&b != 0 {
					continue
				}
				missed = missed || bits.OnesCount(b) == ElectionAnswers(n)-1
				if bits.OnesCount(b) >= min(Majority(n), ElectionAnswers(n)) {
					t.Errorf("of %d, majority %b and %b do not meet", n, a, b)
				}
			}
		}
		if !missed {
			t.Errorf("of %d, fewer than %d answers would do", n, ElectionAnswers(n))
		}
	}
}
