package quorum

import (
	"testing"
	"testing/synctest"

	"github.com/chronik/chronik/internal/model"
)

// A node that is started alone cannot know what others have decided meanwhile, and
// shows nothing. What it knew before it knows.
func TestAppliedIsKnownWithoutALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		v.leader().register()
		v.mustCreate(0, 3)
		before := v.settle()
		for id := range model.NodeID(3) {
			v.stop(id, true)
		}
		v.start(0)
		n := v.node(0)
		<-n.Recovered()
		// The last entry may be another leader's still.
		applied := n.Applied()
		if applied.Index < before.Index-1 || applied.Topics.Len() < 2 || applied.Brokers.Len() != before.Brokers.Len() {
			t.Errorf("alone it knows %d topics and %d brokers, as of %d; it was %d", applied.Topics.Len(), applied.Brokers.Len(), applied.Index, before.Index)
		}
		synctest.Wait()
		if shown := n.Image().Index; shown != 0 {
			t.Errorf("alone it shows image %d", shown)
		}
		v.stop(0, false)
	})
}
