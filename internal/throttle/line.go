package throttle

import "time"

// callMax is how long who was called may take to come before the next is called. It may
// have nothing to send any more, or its stream may be stuck.
const callMax = 5 * time.Millisecond

// line is a bucket and who waits for room in it.
//
// Invariant: nobody is both in line and called.
type line[K comparable] struct {
	bucket
	// waits are those in line, and the place of each.
	waits map[K]uint64
	// order are the places, the first first. A place that its holder has left, or come
	// back to with another, counts no more.
	order []place[K]
	taken uint64 // places, so far

	called   map[K]struct{}
	calledAt time.Time // the last of them
}

type place[K comparable] struct {
	k  K
	no uint64
}

func newLine[K comparable]() *line[K] {
	return &line[K]{bucket: bucket{rate: Unlimited}, waits: make(map[K]uint64), called: make(map[K]struct{})}
}

// admit reports whether k may send now. Where not it stands in line.
func (l *line[K]) admit(k K, now time.Time) bool {
	_, called := l.called[k]
	delete(l.called, k)
	if l.room(now) && (called || len(l.waits) == 0) {
		delete(l.waits, k)
		return true
	}
	if _, waits := l.waits[k]; !waits {
		l.taken++
		l.waits[k] = l.taken
		l.order = append(l.order, place[K]{k, l.taken})
	}
	return false
}

// leave: k has nothing to send any more.
func (l *line[K]) leave(k K) {
	delete(l.waits, k)
	delete(l.called, k)
	if len(l.waits) == 0 {
		l.order = nil
	}
}

// next is when somebody is to be called; ok is false where nobody waits.
func (l *line[K]) next() (at time.Time, ok bool) {
	if len(l.waits) == 0 {
		return time.Time{}, false
	}
	at = l.paid
	if patient := l.calledAt.Add(callMax); len(l.called) > 0 && patient.After(at) {
		at = patient
	}
	return at, true
}

// call takes the first out of the line, where it is time.
func (l *line[K]) call(now time.Time) (k K, ok bool) {
	if at, waits := l.next(); !waits || at.After(now) {
		return k, false
	}
	k = l.first()
	delete(l.waits, k)
	l.called[k] = struct{}{}
	l.calledAt = now
	return k, true
}

// first takes the first place whose holder waits there. There is one.
func (l *line[K]) first() K {
	for {
		p := l.order[0]
		l.order = l.order[1:]
		if l.waits[p.k] == p.no {
			return p.k
		}
	}
}
