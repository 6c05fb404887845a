package membership

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/controller"
)

// lapse cuts a broker off until its lease has run out.
func (c *cluster) lapse(n *node) {
	c.t.Helper()
	c.w.isolate(n.id, true)
	if !until(func() bool { return !n.member.Serving() }) {
		c.t.Fatal("the lease does not run out")
	}
}

// A lease that lapses for a moment stops nobody: producers are taken, and answered when
// it is there again.
func TestLeaseThatLapsesForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lapsed atomic.Int32
		m := New(Options{Heartbeat: heartbeat, Session: session, Lapsed: func() { lapsed.Add(1) }, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go m.watchLease(ctx)
		renew := func() {
			t.Helper()
			if err := m.answered(time.Now(), controller.HeartbeatAnswer{Known: true}); err != nil {
				t.Fatal(err)
			}
		}
		if m.Serving() || m.Accepting() || m.Await(ctx) {
			t.Error("it serves before it has had a lease")
		}
		renew()
		<-time.After(session - heartbeat)
		if m.Serving() || !m.Accepting() {
			t.Errorf("when the lease has just run out it serves: %t, and accepts: %t", m.Serving(), m.Accepting())
		}
		awaited := make(chan bool, 1)
		go func() { awaited <- m.Await(ctx) }()
		<-time.After(m.grace() / 2)
		renew()
		if !<-awaited || !m.Serving() {
			t.Error("who waits is not told that it may answer")
		}
		synctest.Wait()
		if told := lapsed.Load(); told > 0 {
			t.Errorf("it was told of %d times", told)
		}
		<-time.After(session - heartbeat)
		if err := m.answered(time.Now(), controller.HeartbeatAnswer{Known: true, Fenced: true}); err != nil {
			t.Fatal(err)
		}
		if m.Accepting() || m.Await(ctx) {
			t.Error("a broker that knows that it is fenced takes records")
		}
	})
}

// An answer that comes late says nothing against a newer one.
func TestOlderAnswerDoesNotEndTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Heartbeat: heartbeat, Session: session, Logger: slog.New(slog.DiscardHandler)})
		first := time.Now()
		<-time.After(heartbeat)
		for _, answer := range []struct {
			sent   time.Time
			fenced bool
		}{{time.Now(), false}, {first, true}} {
			if err := m.answered(answer.sent, controller.HeartbeatAnswer{Known: true, Fenced: answer.fenced}); err != nil {
				t.Fatal(err)
			}
		}
		if !m.Serving() {
			t.Error("it does not serve")
		}
	})
}

// One that does not come back is told of, once, and nobody waits for it any more.
func TestLeaseThatHasRunOut(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		n := c.others()[0]
		for round := range int32(2) {
			c.lapse(n)
			if n.member.Await(context.Background()) {
				t.Error("it may answer without a lease")
			}
			if n.member.Accepting() || n.member.Serving() {
				t.Error("it accepts what it cannot answer")
			}
			if !until(func() bool { return n.lapsed.Load() == round+1 }) {
				t.Errorf("it was told of %d times", n.lapsed.Load())
			}
			if n.member.Await(context.Background()) {
				t.Error("it may answer later without a lease")
			}
			c.w.isolate(n.id, false)
			if !until(n.member.Serving) || !n.member.Await(context.Background()) {
				t.Error("it does not serve when it is heard again")
			}
		}
		c.lapse(n)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if n.member.Await(ctx) {
			t.Error("who does not wait is told that it may answer")
		}
	})
}

// Who is cut off sends its clients away no sooner than the others would serve them,
// whenever it happens.
func TestWhoIsOutOfTouchHasBeenReplaced(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		n, other := c.others()[0], c.others()[1]
		for part := range 8 {
			<-time.After(session + heartbeat*time.Duration(part)/8)
			c.w.isolate(n.id, true)
			cut := time.Now()
			for !n.member.OutOfTouch() {
				<-time.After(time.Millisecond)
			}
			if b := other.quorum.Image().Brokers.ByID(n.id); !b.Fenced {
				t.Errorf("cut off for %s, at %d/8 of a heartbeat, and not fenced", time.Since(cut), part)
			}
			c.w.isolate(n.id, false)
			if !until(n.member.Serving) || n.member.OutOfTouch() {
				t.Fatal("it is not in touch again")
			}
		}
	})
}
