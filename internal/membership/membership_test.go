package membership

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

func TestBrokersRegisterAndServe(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		for _, n := range c.running() {
			if !n.member.Serving() {
				t.Errorf("node %d does not serve", n.id)
			}
			if !until(func() bool { return !n.fenced(1) && !n.fenced(2) && !n.fenced(3) }) {
				t.Errorf("node %d does not see all serve", n.id)
			}
		}
		<-time.After(time.Minute)
		for _, n := range c.running() {
			if !n.member.Serving() || n.fenced(1) || n.fenced(2) || n.fenced(3) {
				t.Errorf("a minute later node %d does not serve, or sees one fenced", n.id)
			}
		}
	})
}

// A broker that cannot be heard is fenced after a session, and does not serve any more
// by then. When it is heard again it serves again, as the run that it is.
func TestSilentBrokerIsFencedAndComesBack(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, silent := c.controller(), c.others()[0]
		began := time.Now()
		c.w.isolate(silent.id, true)
		if !until(func() bool { return active.fenced(silent.id) }) {
			t.Fatal("it is not fenced")
		}
		if took := time.Since(began); took < session-heartbeat || took > 2*session {
			t.Errorf("fenced after %v", took)
		}
		if silent.member.Serving() {
			t.Error("it serves, and others may lead what it led")
		}
		if until := active.quorum.Image().Brokers.ByID(silent.id).Epoch; until == 0 {
			t.Error("its registration is gone")
		}
		c.w.isolate(silent.id, false)
		if !until(func() bool { return silent.member.Serving() && !active.fenced(silent.id) }) {
			t.Error("it does not serve again")
		}
		if again := c.controller().quorum.Image().Brokers.ByID(silent.id); again.Incarnation != silent.incarnation {
			t.Error("it is another run")
		}
	})
}

// A process that is gone is not waited for: its connections end, and nobody listens
// where it did.
func TestBrokerThatIsGoneIsFencedAtOnce(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, gone := c.controller(), c.others()[0]
		began := time.Now()
		c.kill(gone)
		if !until(func() bool { return active.fenced(gone.id) }) {
			t.Fatal("it is not fenced")
		}
		if took := time.Since(began); took > session/10 {
			t.Errorf("fenced after %v", took)
		}
		again := c.start(gone.id)
		c.join(again)
		if !until(func() bool { return !active.fenced(gone.id) && again.member.Serving() }) {
			t.Error("its next run does not serve")
		}
	})
}

// A connection may end for less.
func TestConnectionThatEndsIsNoDeath(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active := c.controller()
		for _, n := range c.others() {
			active.office.ConnectionLost(n.id)
		}
		<-time.After(2 * session)
		for _, n := range c.others() {
			if active.fenced(n.id) || !n.member.Serving() {
				t.Errorf("node %d is fenced", n.id)
			}
		}
	})
}

// The partitions of a broker that is gone get new leaders, each of two epochs more: one
// in which nobody leads, and one in which another does.
func TestPartitionsOfADeadBrokerGetLeaders(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active := c.controller()
		c.create(c.others()[1], "t", 6)
		before := c.led(active, "t")
		dead := c.others()[0]
		c.kill(dead)
		if !until(func() bool { return active.fenced(dead.id) }) {
			t.Fatal("it is not fenced")
		}
		for i, p := range c.led(active, "t") {
			switch was := before[i]; {
			case was.Leader == dead.id && (p.Leader == dead.id || p.LeaderEpoch != was.LeaderEpoch+2):
				t.Errorf("partition %d: %+v was %+v", i, p, was)
			case was.Leader != dead.id && (p.Leader != was.Leader || p.LeaderEpoch != was.LeaderEpoch):
				t.Errorf("partition %d, which it did not lead: %+v was %+v", i, p, was)
			}
		}
	})
}

// When the controller itself is gone another begins where it was: it finds the dead one,
// and the leases of the living go on.
func TestControllerIsReplaced(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active := c.controller()
		c.create(active, "t", 6)
		c.led(active, "t")
		rest := c.others()
		c.kill(active)
		next := c.controller()
		if !until(func() bool { return next.fenced(active.id) }) {
			t.Fatal("the dead controller is not fenced")
		}
		for _, p := range c.led(next, "t") {
			if p.Leader == active.id {
				t.Errorf("the dead one leads: %+v", p)
			}
		}
		for _, n := range rest {
			if !until(n.member.Serving) || n.fenced(n.id) {
				t.Errorf("node %d does not serve", n.id)
			}
		}
		back := c.start(active.id)
		c.join(back)
	})
}

// A controller that is cut off is one no longer, and no lease outlives that.
func TestControllerThatIsCutOffServesNobody(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		old := c.controller()
		c.w.isolate(old.id, true)
		next := c.controller()
		if next == old {
			t.Fatal("the one that is cut off counts as controller")
		}
		if !until(func() bool { return next.fenced(old.id) }) {
			t.Fatal("it is not fenced")
		}
		if old.member.Serving() {
			t.Error("it serves by its own permission")
		}
		if !until(func() bool { return old.office.Ended() == nil }) {
			t.Error("it holds the office")
		}
		if _, err := old.office.Heartbeat(context.Background(), controller.Heartbeat{Node: old.id}); err == nil {
			t.Error("it renews leases")
		}
	})
}

// Who leaves gives up what others can lead, and is fenced when it has.
func TestBrokerLeavesInOrder(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		c.create(c.controller(), "t", 6)
		leaving := c.others()[0]
		c.led(leaving, "t")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := leaving.member.Leave(ctx); err != nil {
			t.Fatal(err)
		}
		active := c.controller()
		for _, p := range c.led(active, "t") {
			if p.Leader == leaving.id {
				t.Errorf("it leads on: %+v", p)
			}
		}
		if !active.fenced(leaving.id) {
			t.Error("clients are sent to it")
		}
		leaving.stop()
		c.join(c.start(leaving.id))
	})
}

func TestNobodyLeavesWithoutAController(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		last := c.others()[0]
		for _, n := range c.running() {
			if n != last {
				c.kill(n)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := last.member.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("left: %v", err)
		}
	})
}

// The run that another has taken the place of hears so, and stops; the other serves.
func TestReplacedRunStops(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		replaced := c.others()[0]
		second := replaced.registration()
		second.Incarnation = model.NewUUID()
		second.Previous = replaced.quorum.Image().Brokers.ByID(replaced.id).Epoch
		if _, err := c.controller().router.Submit(context.Background(), second); err != nil {
			t.Fatal(err)
		}
		if err := <-replaced.ran; !errors.Is(err, ErrReplaced) {
			t.Errorf("its membership ended with %v", err)
		}
		if replaced.member.Serving() {
			t.Error("it serves")
		}
	})
}

// A run registers in place of the registration that it knows, and of no newer one.
func TestOlderRunDoesNotRegister(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		n := c.others()[0]
		stale := n.registration()
		stale.Incarnation, stale.Previous = model.NewUUID(), 0
		_, err := n.router.Submit(context.Background(), stale)
		if refused, ok := errors.AsType[*wire.Error](err); !ok || refused.Code != wire.CodeOf(kerr.DuplicateBrokerRegistration) {
			t.Errorf("registered: %v", err)
		}
		if !n.member.Serving() {
			t.Error("the run that is registered does not serve")
		}
	})
}

// Registering goes on while nobody decides, and a registration whose answer is lost is
// that run's all the same.
func TestRegistrationIsSentAgain(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		first := c.others()[0]
		first.stop()
		again := c.start(first.id)
		if !until(func() bool { return again.quorum.Image().Brokers.ByID(first.id) != nil }) {
			t.Fatal("it does not hear of what it missed")
		}
		c.w.silence(KindCommand, true)
		registered := make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { registered <- again.member.Register(ctx, again.registration()) }()
		if !until(func() bool {
			b := again.quorum.Image().Brokers.ByID(first.id)
			return b != nil && b.Incarnation == again.incarnation
		}) {
			t.Fatal("it is not registered")
		}
		// The answer is lost with the connection.
		c.kill(c.controller())
		c.w.silence(KindCommand, false)
		if err := <-registered; err != nil {
			t.Errorf("register: %v", err)
		}
	})
}

// A controller whose node opens logs for longer than a session, for a topic of many
// partitions, goes on answering heartbeats, and decides for others meanwhile.
func TestAControllerDoesNotWaitForItsNodesLogs(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, other := c.controller(), c.others()[0]
		c.create(other, "before", 3)
		active.slow.Store(int64(5 * session))
		c.create(other, "large", 3)
		if active.quorum.Image().Topics.ByName("large") != nil {
			t.Fatal("the controller's node has the topic already")
		}
		for began := time.Now(); time.Since(began) < 4*session; <-time.After(heartbeat) {
			for b := range other.quorum.Image().Brokers.All() {
				if b.Fenced {
					t.Fatalf("broker %d is fenced", b.ID)
				}
			}
		}
		c.create(other, "meanwhile", 3)
		if c.controller() != active {
			t.Error("the controller is another")
		}
	})
}
