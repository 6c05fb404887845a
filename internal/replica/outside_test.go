package replica

import (
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// Outside are those that no commit waits for: neither in the set, lost or not, nor proposed
// for it, be that the controller has not answered.
func TestOutsideAreThoseThatNoCommitWaitsFor(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	outside := func(node model.NodeID, want bool) {
		t.Helper()
		if got := s.r.Outside(node); got != want {
			t.Errorf("node %d is outside: %t", node, got)
		}
	}
	outside(other, false) // it does not lead
	s.leads("i", "l", "-")
	s.does("")
	outside(self, false)
	outside(other, false)
	outside(third, true)
	outside(7, false) // nobody

	s.follows(third)
	s.acks(third, 1, true)
	outside(third, true) // it lacks what may be committed
	s.acks(third, 2, true)
	outside(third, false)
	s.r.Take()
	s.now = s.now.Add(proposeAgainAfter)
	s.r.Tick(s.now)
	outside(third, false)

	refused := view(self, s.r.view.LeaderEpoch, s.r.view.PartitionEpoch+1, "i", "l", "-d")
	s.r.Apply(refused, s.now)
	outside(third, true)
}
