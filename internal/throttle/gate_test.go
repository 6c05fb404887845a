package throttle

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
)

var start = time.Unix(1_000_000, 0)

const mega = 1_000_000

// until is the time from start to t.
func until(t time.Time) time.Duration { return t.Sub(start) }

func TestWhatWasSentIsPaidForFirst(t *testing.T) {
	g := NewGate[int]()
	g.SetRates(Rates{Leader: mega}, start)
	f := Flow{Follower: 2, AsLeader: true}
	if bytes, ok := g.Admit(1, f, start); !ok || bytes != mega/pieces {
		t.Fatalf("%d bytes, %t", bytes, ok)
	}
	g.Sent(f, mega, start) // a large batch: a second, of which a tenth was made up for
	if _, ok := g.Admit(1, f, start); ok {
		t.Fatal("it may go on at once")
	}
	at, ok := g.Next()
	if !ok || until(at) != time.Second-credit {
		t.Fatalf("called after %v, %t", until(at), ok)
	}
	if early := g.Call(at.Add(-1)); len(early) > 0 {
		t.Fatalf("%v called too early", early)
	}
	if called := g.Call(at); len(called) != 1 || called[0] != 1 {
		t.Fatalf("called %v", called)
	}
	if _, ok := g.Admit(1, f, at); !ok {
		t.Error("who was called may not go")
	}
	if at, ok := g.Next(); ok {
		t.Errorf("somebody is to be called after %v", until(at))
	}
}

// A rate that is far too low, and none, let a batch go now and then.
func TestTooLowARateMakesProgress(t *testing.T) {
	for _, rate := range []int64{0, 1} {
		g := NewGate[int]()
		g.SetRates(Rates{Leader: rate}, start)
		f := Flow{AsLeader: true}
		now := start
		for i := range 5 {
			if bytes, ok := g.Admit(1, f, now); !ok || bytes != pieceBytesMin {
				t.Fatalf("rate %d, batch %d: %d bytes, %t", rate, i, bytes, ok)
			}
			g.Sent(f, mega, now)
			if _, ok := g.Admit(1, f, now); ok {
				t.Fatalf("rate %d: nothing is held back", rate)
			}
			at, _ := g.Next()
			if wait := at.Sub(now); wait > payMax || wait < payMax-credit {
				t.Fatalf("rate %d: the next after %v", rate, wait)
			}
			now = at
			g.Call(now)
		}
	}
}

// Another rate counts at once, for what is owed too.
func TestAnotherRateCountsAtOnce(t *testing.T) {
	f := Flow{Follower: 2, AsFollower: true}
	for _, c := range []struct {
		before, after int64
		want          time.Duration
	}{
		{mega, 10 * mega, 90 * time.Millisecond},
		{mega, mega / 2, 1800 * time.Millisecond},
		{mega, 1, payMax},
		{mega, 0, payMax},
		{mega, Unlimited, 0},
		{0, mega, 0}, // what it owes is not known in bytes
	} {
		g := NewGate[int]()
		g.SetRates(Rates{Leader: Unlimited, Followers: map[model.NodeID]int64{2: c.before}}, start)
		g.Sent(f, mega, start)
		g.Admit(1, f, start)
		g.SetRates(Rates{Leader: Unlimited, Followers: map[model.NodeID]int64{2: c.after}}, start)
		if at, ok := g.Next(); !ok || until(at).Round(time.Microsecond) != c.want {
			t.Errorf("from %d to %d: called after %v, %t; want %v", c.before, c.after, until(at), ok, c.want)
		}
	}
	g := NewGate[int]()
	g.SetRates(Rates{Leader: Unlimited, Followers: map[model.NodeID]int64{2: 1}}, start)
	g.Sent(f, mega, start)
	g.Admit(1, f, start)
	g.SetRates(Rates{Leader: Unlimited}, start)
	if at, ok := g.Next(); !ok || at.After(start) {
		t.Errorf("a follower whose rate is gone waits until %v, %t", until(at), ok)
	}
}

func TestWhoIsNotNamedIsNotHeldBack(t *testing.T) {
	g := NewGate[int]()
	g.SetRates(Rates{Leader: 1, Followers: map[model.NodeID]int64{2: 1}}, start)
	held := Flow{Follower: 2, AsLeader: true, AsFollower: true}
	g.Sent(held, mega, start)
	g.SetPace(1, start)
	g.Sent(Flow{Follower: 3, Paced: true}, mega, start)
	for _, c := range []struct {
		f    Flow
		want bool
	}{
		{Flow{Follower: 2, Paced: true}, false},
		{Flow{Follower: 2}, true}, {Flow{Follower: 3, AsFollower: true}, true},
		{held, false}, {Flow{Follower: 3, AsLeader: true}, false}, {Flow{Follower: 2, AsFollower: true}, false},
	} {
		if _, ok := g.Admit(1, c.f, start); ok != c.want {
			t.Errorf("%+v: admitted %t", c.f, ok)
		}
		g.Leave(1, 2)
	}
	if n := g.Waiting(); n > 0 {
		t.Errorf("%d wait that have left", n)
	}
}

// Who was called and does not come lets the next be called.
func TestWhoDoesNotComeIsPassedBy(t *testing.T) {
	g := NewGate[int]()
	g.SetRates(Rates{Leader: mega}, start)
	f := Flow{AsLeader: true}
	g.Sent(f, mega/2, start)
	for k := range 3 {
		g.Admit(k, f, start)
	}
	at, _ := g.Next()
	for want := range 3 {
		if called := g.Call(at); len(called) != 1 || called[0] != want {
			t.Fatalf("%v called, want %d", called, want)
		}
		if called := g.Call(at); len(called) > 0 {
			t.Fatalf("%v called beside %d", called, want)
		}
		at = at.Add(callMax)
	}
	if _, ok := g.Next(); ok {
		t.Error("somebody is to be called again")
	}
}

func TestReleaseLetsAllAskAgain(t *testing.T) {
	g := NewGate[int]()
	g.SetRates(Rates{Leader: 1, Followers: map[model.NodeID]int64{2: 1}}, start)
	g.Sent(Flow{Follower: 2, AsLeader: true, AsFollower: true}, mega, start)
	g.Admit(1, Flow{AsLeader: true}, start)
	g.Admit(2, Flow{Follower: 2, AsFollower: true}, start)
	if n := g.Waiting(); n != 2 {
		t.Fatalf("%d wait", n)
	}
	if released := g.Release(); len(released) != 2 || g.Waiting() != 0 {
		t.Errorf("released %v, %d wait", released, g.Waiting())
	}
}

// sender is one of several that have more to send than they may.
type sender struct {
	f     Flow
	sent  int
	waits bool
}

// Goal: whatever comes of whom in which order, nobody sends more than the rates allow, what
// the rates allow is sent, and nobody who comes when called is left behind. Method: senders
// with endless data and batches of any size, some of which come late; a clock that goes
// from alarm to alarm.
func TestRatesAreKeptAndUsedUpFairly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewGate[int]()
		rate := rapid.Int64Range(100_000, 50*mega).Draw(t, "rate")
		follower := rapid.SampledFrom([]int64{rate / 4, rate, 4 * rate}).Draw(t, "follower's rate")
		g.SetRates(Rates{Leader: rate, Followers: map[model.NodeID]int64{2: follower}}, start)
		pace := rapid.SampledFrom([]int64{rate / 3, 2 * rate}).Draw(t, "pace")
		g.SetPace(pace, start)
		senders := make([]sender, rapid.IntRange(1, 6).Draw(t, "senders"))
		for i := range senders {
			senders[i].f = Flow{Follower: 2, AsLeader: true, AsFollower: true, Paced: true}
		}
		batch, late := rapid.IntRange(100, 20_000), rapid.Bool().Draw(t, "some come late")
		now, largest := start, 0
		// ask has a sender send until it is held back.
		ask := func(k int) {
			s := &senders[k]
			for s.waits = false; !s.waits; {
				bytes, ok := g.Admit(k, s.f, now)
				if !ok {
					s.waits = true
					return
				}
				bytes = max(bytes, batch.Draw(t, "batch"))
				largest = max(largest, bytes)
				g.Sent(s.f, bytes, now)
				s.sent += bytes
			}
		}
		for k := range senders {
			ask(k)
		}
		const seconds = 8
		for end := start.Add(seconds * time.Second); ; {
			at, ok := g.Next()
			if !ok {
				at = now.Add(time.Millisecond) // nobody waits: those who were called have not come yet
			}
			if at.After(end) {
				break
			}
			now = at
			for _, k := range g.Call(now) {
				senders[k].waits = false
			}
			for k := range senders {
				if !senders[k].waits && (!late || rapid.IntRange(0, 9).Draw(t, "comes late") > 0) {
					ask(k)
				}
			}
		}
		total, least, most := 0, senders[0].sent, senders[0].sent
		for _, s := range senders {
			total += s.sent
			least, most = min(least, s.sent), max(most, s.sent)
		}
		allowed := float64(min(rate, follower, pace)) * seconds
		if float64(total) > allowed*(1+2*credit.Seconds()/seconds)+float64(2*largest) {
			t.Fatalf("%d bytes, of %v that are allowed", total, allowed)
		}
		if float64(total) < allowed*0.9-float64(largest) {
			t.Fatalf("only %d bytes, of %v that are allowed", total, allowed)
		}
		if !late && least < most/2-2*largest { // who is late may lose a turn
			t.Fatalf("a sender was left behind: %+v", senders)
		}
	})
}
