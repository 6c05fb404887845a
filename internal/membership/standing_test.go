package membership

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
)

// ends demands that the node's membership comes to an end by itself, with an error.
func (n *node) ends(t *testing.T, want error) {
	t.Helper()
	if !until(func() bool { return len(n.ran) > 0 }) {
		t.Fatal("it goes on")
	}
	if err := <-n.ran; !errors.Is(err, want) {
		t.Errorf("its membership ended with %v", err)
	}
}

// Goal: a node that was forgotten while it was away hears so from any node that it reaches.
// Method: it comes back to one that is not the controller, and to no other.
func TestAForgottenNodeHearsSoFromAnyNode(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, others := c.controller(), c.others()
		away, reached := others[0], others[1]
		c.w.isolate(away.id, true)
		if !until(func() bool { return active.fenced(away.id) }) {
			t.Fatal("it is not fenced")
		}
		if _, err := active.router.Submit(context.Background(), controller.UnregisterBroker{Node: away.id}); err != nil {
			t.Fatal(err)
		}
		c.w.part(away.id, active.id)
		c.w.isolate(away.id, false)
		away.ends(t, ErrRemoved)
		if c.controller() != active || reached.quorum.Leader() != active.id {
			t.Error("the controller is another: it may have told it")
		}
	})
}

// Goal: the same of a node in whose place another run has registered.
func TestAReplacedNodeHearsSoFromAnyNode(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, away := c.controller(), c.others()[0]
		c.w.isolate(away.id, true)
		second := away.registration()
		second.Incarnation, second.Previous = model.NewUUID(), active.quorum.Image().Brokers.ByID(away.id).Epoch
		if _, err := active.router.Submit(context.Background(), second); err != nil {
			t.Fatal(err)
		}
		c.w.part(away.id, active.id)
		c.w.isolate(away.id, false)
		away.ends(t, ErrReplaced)
	})
}

// Goal: a node that is merely late is not told that it is gone, for however long, nor asks
// anybody while its heartbeats are answered.
func TestALateNodeIsNotSentAway(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		<-time.After(time.Minute)
		if asked := c.w.arrived(KindStanding); asked > 0 {
			t.Fatalf("in a cluster that works nodes ask %d times", asked)
		}
		active, late := c.controller(), c.others()[0]
		c.w.part(late.id, active.id)
		if !until(func() bool { return active.fenced(late.id) }) {
			t.Fatal("it is not fenced")
		}
		<-time.After(time.Minute)
		if len(late.ran) > 0 {
			t.Errorf("its membership ended with %v", <-late.ran)
		}
		if asked := c.w.arrived(KindStanding); asked == 0 || asked > int(time.Minute/heartbeat)+10 {
			t.Errorf("in a minute it asks %d times", asked)
		}
	})
}
