package replication

import (
	"sync"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/throttle"
)

// turn is one partition's on one stream, which a throttle may hold back.
type turn struct {
	feeds *feeds
	feed  *feed
}

// throttling is throttle.Gate of all this node's followers, with a clock. Its lock is a
// leaf.
type throttling struct {
	options *Options

	mu struct {
		sync.Mutex
		gate  *throttle.Gate[turn]
		rates throttle.Rates
		moves throttle.Moves
		// alarm calls who waits; alarmAt is when, zero where it is not set.
		alarm   *time.Timer
		alarmAt time.Time
		ended   bool
	}
}

func newThrottling(o *Options) *throttling {
	t := &throttling{options: o}
	t.mu.gate = throttle.NewGate[turn]()
	t.mu.rates = throttle.Rates{Leader: throttle.Unlimited}
	return t
}

// admit reports whether a turn may be taken now, and for about how many bytes. Where not
// its feed is given another one later.
func (t *throttling) admit(k turn, f throttle.Flow) (bytesMax int, ok bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	bytesMax, ok = t.mu.gate.Admit(k, f, now)
	if !ok {
		t.arm(now)
	}
	return bytesMax, ok
}

// sent counts bytes that went to a follower outside, where a throttle counts them.
func (t *throttling) sent(f throttle.Flow, bytes int) {
	if !f.Held() {
		return
	}
	now := time.Now()
	t.mu.Lock()
	t.mu.gate.Sent(f, bytes, now)
	t.arm(now)
	t.mu.Unlock()
	t.options.SentThrottled(bytes)
}

// leave: a turn is not waited for any more.
func (t *throttling) leave(k turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.gate.Leave(k, k.feeds.follower)
	t.arm(time.Now())
}

// apply takes the rates of newer metadata. Where settings have changed all who wait ask
// again: they may not be held back any more.
func (t *throttling) apply(delta meta.Delta, image *meta.Image) {
	t.mu.Lock()
	t.mu.moves.Follow(image, time.Now())
	if len(delta.Configs) == 0 && !t.mu.rates.Limited() {
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	rates := throttle.RatesOf(image, t.options.Node)
	now := time.Now()
	var released []turn
	t.mu.Lock()
	if !rates.Equal(t.mu.rates) {
		t.mu.rates = rates
		t.mu.gate.SetRates(rates, now)
	}
	if len(delta.Configs) > 0 {
		released = t.mu.gate.Release()
	}
	t.arm(now)
	t.mu.Unlock()
	give(released)
}

// flow is of what goes to a follower outside.
func (t *throttling) flow(p *partition.Partition, follower model.NodeID) throttle.Flow {
	f := throttle.Flow{Follower: follower}
	f.AsLeader, f.AsFollower = p.Throttled(follower)
	t.mu.Lock()
	f.Paced = t.mu.moves.Has(p.Name(), follower, time.Now())
	t.mu.Unlock()
	return f
}

// pace takes other moves that have a pace, and has all who wait ask again.
func (t *throttling) pace(p *throttle.Paced) {
	now := time.Now()
	t.mu.Lock()
	t.mu.moves.Set(p.Copies, now)
	t.mu.gate.SetPace(p.BytesPerSecond, now)
	released := t.mu.gate.Release()
	t.arm(now)
	t.mu.Unlock()
	give(released)
}

// ring is the alarm.
func (t *throttling) ring() {
	now := time.Now()
	t.mu.Lock()
	t.mu.alarmAt = time.Time{}
	called := t.mu.gate.Call(now)
	t.arm(now)
	t.mu.Unlock()
	give(called)
}

// arm sets the alarm for when somebody is to be called. One that is set for earlier stays:
// it looks again.
func (t *throttling) arm(now time.Time) {
	t.options.Waiting(t.mu.gate.Waiting())
	at, waits := t.mu.gate.Next()
	if !waits || t.mu.ended || !t.mu.alarmAt.IsZero() && !at.Before(t.mu.alarmAt) {
		return
	}
	t.mu.alarmAt = at
	wait := max(at.Sub(now), 0)
	if t.mu.alarm == nil {
		t.mu.alarm = time.AfterFunc(wait, t.ring)
		return
	}
	t.mu.alarm.Reset(wait)
}

// end stops the alarm.
func (t *throttling) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.ended = true
	if t.mu.alarm != nil {
		t.mu.alarm.Stop()
	}
}

// give gives turns to who has waited for them.
func give(turns []turn) {
	for _, k := range turns {
		k.feeds.called(k.feed)
	}
}
