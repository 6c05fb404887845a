package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

func TestASilentBrokerIsFencedAfterItsSession(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	if got := st.passes(session-1, 1, 2); got != "" {
		t.Errorf("too early: %s", got)
	}
	if got := st.passes(1, 1, 2); got != "fence 0" {
		t.Errorf("%q", got)
	}
	st.does("ask 1: a/1 · ask 2: a/1")
	if got := st.passes(session, 1, 2); strings.Contains(got, "fence") {
		t.Errorf("%q", got)
	}
	// The whole cluster falls silent.
	if got := st.passes(2 * session); !slices.Equal(st.fencedNodes(), nodes(0, 1, 2)) {
		t.Errorf("%q, fenced %v", got, st.fencedNodes())
	}
	if at, ok := st.s.NextTick(); ok && at.After(st.now) {
		t.Errorf("waits for %s with nobody to watch", at)
	}
}

func TestANewControllerGivesEveryBrokerASession(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	st.passes(session-1, 1)
	st.takeOver()
	if got := st.passes(session-1, 1); got != "" {
		t.Errorf("%q", got)
	}
	if got := st.passes(1, 1); got != "fence 0" {
		t.Errorf("%q", got)
	}
}

func TestAFencedBrokerIsUnfencedOnceItHasAppliedItsRegistration(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	r := register(0, 2)
	r.Fenced = true
	st.submit(r)
	st.does("ask 1: a/1")
	epoch := st.epoch(0)
	f := func(h Heartbeat, want HeartbeatAnswer, effects string) {
		t.Helper()
		if a := st.s.Heartbeat(st.now, st.now, h); a != want {
			t.Errorf("%+v, want %+v", a, want)
		}
		st.loses(effects)
	}
	known := HeartbeatAnswer{Known: true, Fenced: true}
	f(Heartbeat{Node: 0, BrokerEpoch: epoch - 1, Applied: 99}, HeartbeatAnswer{}, "")
	f(Heartbeat{Node: 7, BrokerEpoch: epoch, Applied: 99}, HeartbeatAnswer{Removed: true}, "")
	f(Heartbeat{Node: 0, BrokerEpoch: model.BrokerEpoch(st.image.Index) + 1, Applied: 99}, known, "") // to come
	f(Heartbeat{Node: 0, BrokerEpoch: epoch, Applied: uint64(epoch) - 1}, known, "")
	f(Heartbeat{Node: 0, BrokerEpoch: epoch, Applied: uint64(epoch)}, known, "unfence 0")
	f(Heartbeat{Node: 0, BrokerEpoch: epoch, Applied: uint64(epoch)}, known, "") // it is on its way
	st.now = st.now.Add(retry)
	if a := st.beats(0); a != known {
		t.Errorf("%+v", a)
	}
	st.does("unfence 0")
	st.does("ask 0: a/1 · ask 1: a/1") // 1 has been silent for as long
	if a := st.beats(0); a != (HeartbeatAnswer{Known: true}) {
		t.Errorf("%+v", a)
	}
}

func TestAClosedConnectionIsProbedAtOnce(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.s.ConnectionLost(st.now, 0)
	st.s.ConnectionLost(st.now, 0)
	st.s.ConnectionLost(st.now, 9)
	st.does("probe 0")
	st.s.ProbeAnswered(st.now, 0)
	st.does("")
	st.s.ConnectionLost(st.now, 0)
	st.does("probe 0")
	st.s.ProbeRefused(st.now, 0, st.epoch(0)-1) // what an earlier run left behind
	st.does("")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.does("fence 0")
	st.does("ask 1: a/1 · ask 2: a/1")
	st.s.ConnectionLost(st.now, 0) // it is fenced
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.s.ProbeRefused(st.now, 9, 1)
	st.does("")
}

func TestALostCommandIsSubmittedAgain(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.loses("fence 0")
	if got := st.passes(retry, 1, 2); got != "fence 0 | ask 1: a/1 · ask 2: a/1" && got != "fence 0" {
		t.Errorf("%q", got)
	}
	st.happens()
	st.answers(1, "a 0 5")
	st.answers(2, "a 0 5")
	st.loses("elect a=1")
	st.answers(2, "a 0 5")
	st.does("") // not before retry
	if got := st.passes(retry, 1, 2); got != "elect a=1" {
		t.Errorf("%q", got)
	}
	st.leader("a", 1)
}

// A FenceBroker that was submitted may be committed any time: a lease that was
// renewed meanwhile would reach beyond it. So the broker is told that it is fenced,
// and it will be, however often the command is lost.
func TestABrokerThatIsBeingFencedGetsNoLease(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.loses("fence 0")
	a := st.s.Heartbeat(st.now, st.now, Heartbeat{Node: 0, BrokerEpoch: st.epoch(0), Applied: uint64(st.epoch(0))})
	if !a.Known || !a.Fenced {
		t.Errorf("%+v", a)
	}
	st.does("")
	if got := st.passes(session, 0, 1); !strings.HasPrefix(got, "fence 0") {
		t.Errorf("%q", got)
	}
}

func TestFencingAndUnfencingFollowEachOther(t *testing.T) {
	st := newStory(t, 2)
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.does("fence 0")
	st.beats(0)
	st.does("unfence 0")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.does("fence 0")
	st.beats(0)
	st.does("unfence 0")

	// Somebody else unfences it: the fencing is done with.
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.does("fence 0")
	st.submit(UnfenceBroker{Node: 0, Epoch: st.epoch(0)})
	if got := st.passes(session-1, 1); got != "" {
		t.Errorf("%q", got)
	}
}

// To prove that this is still the controller takes time, which is not the broker's.
func TestASessionCountsFromWhenTheHeartbeatArrived(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	arrived := st.now
	st.passes(session/2, 1)
	st.s.Heartbeat(arrived.Add(session/4), st.now, Heartbeat{Node: 0, BrokerEpoch: st.epoch(0)})
	st.s.Heartbeat(arrived.Add(session/5), st.now, Heartbeat{Node: 0, BrokerEpoch: st.epoch(0)}) // overtaken
	if got := st.passes(session*3/4-1, 1); got != "" {
		t.Errorf("too early: %s", got)
	}
	if got := st.passes(1, 1); got != "fence 0" {
		t.Errorf("%q", got)
	}
}

func TestHeartbeatsSayWhatARunSupports(t *testing.T) {
	w := newStory(t, 1, "a 0")
	b := w.image.Brokers.ByID(0)
	if r := w.s.Supports(0, b.Epoch); !r.IsZero() {
		t.Error("before any heartbeat", r)
	}
	w.s.Heartbeat(w.now, w.now, Heartbeat{Node: 0, BrokerEpoch: b.Epoch})
	if r := w.s.Supports(0, b.Epoch); r != meta.FirstRange {
		t.Error("of a build that does not say", r)
	}
	w.s.Heartbeat(w.now, w.now, Heartbeat{Node: 0, BrokerEpoch: b.Epoch, Supports: meta.Supported})
	if r := w.s.Supports(0, b.Epoch); r != meta.Supported {
		t.Error(r)
	}
	if r := w.s.Supports(0, b.Epoch+1); !r.IsZero() {
		t.Error("of another run", r)
	}
	if r := w.s.Supports(9, 1); !r.IsZero() {
		t.Error("of nobody", r)
	}
}
