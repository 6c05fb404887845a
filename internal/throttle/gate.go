package throttle

import (
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Flow is a partition's data to a follower, and which of the throttles holds it back.
type Flow struct {
	Follower             model.NodeID
	AsLeader, AsFollower bool
	Paced                bool // it is of a move that has a pace (Moves)
}

// Held reports whether any of the throttles may hold it back.
func (f Flow) Held() bool { return f.AsLeader || f.AsFollower || f.Paced }

// Gate is what a leader's data to followers outside the set passes. K is one partition's
// way to one follower.
type Gate[K comparable] struct {
	leader    *line[K]
	paced     *line[K]
	followers map[model.NodeID]*line[K]
}

// NewGate returns one that holds nobody back.
func NewGate[K comparable]() *Gate[K] {
	return &Gate[K]{leader: newLine[K](), paced: newLine[K](), followers: make(map[model.NodeID]*line[K])}
}

// lines are those that a flow has to pass.
func (g *Gate[K]) lines(f Flow) func(yield func(*line[K]) bool) {
	return func(yield func(*line[K]) bool) {
		if f.AsLeader && !yield(g.leader) {
			return
		}
		if f.Paced && !yield(g.paced) {
			return
		}
		if l := g.followers[f.Follower]; f.AsFollower && l != nil {
			yield(l)
		}
	}
}

// Admit reports whether k may send now, and about how many bytes. Where not it is called
// later.
func (g *Gate[K]) Admit(k K, f Flow, now time.Time) (bytesMax int, ok bool) {
	bytesMax = pieceBytesMax
	if !f.AsLeader { // any more: nobody is to wait for it there
		delete(g.leader.called, k)
	}
	if !f.Paced {
		delete(g.paced.called, k)
	}
	for l := range g.lines(f) {
		if !l.admit(k, now) {
			return 0, false
		}
		bytesMax = min(bytesMax, l.piece())
	}
	return bytesMax, true
}

// Sent counts what an admitted flow has sent.
func (g *Gate[K]) Sent(f Flow, bytes int, now time.Time) {
	for l := range g.lines(f) {
		l.spend(bytes, now)
	}
}

// Leave: k has nothing to send to its follower any more that is held back.
func (g *Gate[K]) Leave(k K, follower model.NodeID) {
	g.leader.leave(k)
	g.paced.leave(k)
	if l := g.followers[follower]; l != nil {
		l.leave(k)
	}
}

// SetRates takes other rates, at once. Those in line keep their places.
func (g *Gate[K]) SetRates(r Rates, now time.Time) {
	g.leader.set(r.Leader, now)
	for node, l := range g.followers {
		if _, limited := r.Followers[node]; !limited {
			l.set(Unlimited, now)
		}
	}
	for node, rate := range r.Followers {
		l := g.followers[node]
		if l == nil {
			l = newLine[K]()
			g.followers[node] = l
		}
		l.set(rate, now)
	}
}

// SetPace takes another rate for moves that have a pace, all of this leader's together.
func (g *Gate[K]) SetPace(bytesPerSecond int64, now time.Time) { g.paced.set(bytesPerSecond, now) }

// all yields every line, in the order of the nodes.
func (g *Gate[K]) all(yield func(*line[K]) bool) {
	if !yield(g.leader) || !yield(g.paced) {
		return
	}
	for _, node := range slices.Sorted(maps.Keys(g.followers)) {
		if !yield(g.followers[node]) {
			return
		}
	}
}

// Next is when to Call; ok is false where nobody waits.
func (g *Gate[K]) Next() (at time.Time, ok bool) {
	at, ok = g.leader.next()
	for l := range g.all {
		if other, waits := l.next(); waits && (!ok || other.Before(at)) {
			at, ok = other, true
		}
	}
	return at, ok
}

// Call returns those who are to ask again now, in the order of the nodes: at most one of
// the leader's line, of that of moves, and of each follower's.
func (g *Gate[K]) Call(now time.Time) []K {
	var called []K
	for l := range g.all {
		if k, ok := l.call(now); ok {
			called = append(called, k)
		}
	}
	return called
}

// Release returns all who wait, in no line any more: what holds them back may have gone.
func (g *Gate[K]) Release() []K {
	var released []K
	for l := range g.all {
		for len(l.waits) > 0 {
			k := l.first()
			l.leave(k)
			released = append(released, k)
		}
	}
	return released
}

// Waiting is how many wait.
func (g *Gate[K]) Waiting() int {
	n := 0
	for l := range g.all {
		n += len(l.waits)
	}
	return n
}
