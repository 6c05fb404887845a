package replica

import (
	"time"

	"github.com/chronik/chronik/internal/plant"
)

// Lease is a broker's permission to serve, from the controller. It counts from
// when the broker sent the heartbeat that was answered; the controller counts the
// session from when it received it, which is later, and fences after a longer
// time. So nobody serves who has been fenced for silence, also where the process was
// paused: the lease is looked at when an answer is given, not by a timer.
//
// A lease that has run out is no change of roles. Where a heartbeat is answered
// again before the broker was fenced, it goes on as it was.
type Lease struct {
	length time.Duration
	until  time.Time
}

// NewLease returns one that is not held yet.
func NewLease(length time.Duration) Lease { return Lease{length: length} }

// Renew takes the answer to a heartbeat that was sent at a time.
func (l *Lease) Renew(sent time.Time) {
	if until := sent.Add(l.length); until.After(l.until) {
		l.until = until
	}
}

// Revoke ends the lease: the broker was told that it is fenced.
func (l *Lease) Revoke() { l.until = time.Time{} }

// Revoked: the broker was told that it is fenced, or has never had the lease.
func (l *Lease) Revoked() bool { return l.until.IsZero() }

// Lapsed is for how long the lease has not been held; negative while it is.
func (l *Lease) Lapsed(now time.Time) time.Duration { return now.Sub(l.until) }

// Held reports whether the broker may serve now.
func (l *Lease) Held(now time.Time) bool {
	return now.Before(l.until) || plant.On(plant.LeaseIgnored)
}
