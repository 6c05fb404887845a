package membership

import (
	"context"
	"time"

	"github.com/chronik/chronik/internal/quorum"
)

// graceMargin is for the timers of both sides, and for an election.
const graceMargin = 150 * time.Millisecond

// grace is how long after its end a lease is still expected to be renewed. A controller
// that has just been elected answers the next heartbeat. And who was cut off lets its
// clients go no sooner than the others have elected: those that come to them before are
// sent back, and franz-go then waits for five seconds. The lease is a Heartbeat shorter than
// the session (New), and counts from when the last heartbeat was sent that was answered;
// the session counts from the one after it, which is sent a Heartbeat later, or when the
// answer has its proof.
func (m *Member) grace() time.Duration {
	return m.o.Heartbeat + max(m.o.Heartbeat, quorum.ProofInterval) + graceMargin
}

// Serving implements partition.Lease.
func (m *Member) Serving() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.lease.Held(time.Now())
}

// Accepting implements partition.Lease.
func (m *Member) Accepting() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	return m.mu.lease.Held(now) || m.mu.lease.Lapsed(now) < m.grace()
}

// OutOfTouch reports whether the controller has been silent for so long that others may
// have been elected for all that this node leads. One that was told so is in touch.
func (m *Member) OutOfTouch() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.mu.lease.Revoked() && m.mu.lease.Lapsed(time.Now()) >= m.grace()
}

// Await implements partition.Lease.
func (m *Member) Await(ctx context.Context) bool {
	for {
		m.mu.Lock()
		now := time.Now()
		held, left, renewed := m.mu.lease.Held(now), m.grace()-m.mu.lease.Lapsed(now), m.mu.renewed
		m.mu.Unlock()
		if held || left <= 0 {
			return held
		}
		select {
		case <-renewed:
		case <-time.After(left):
		case <-ctx.Done():
			return false
		}
	}
}

// watchLease tells when the lease has run out, and will not be renewed soon.
func (m *Member) watchLease(ctx context.Context) {
	had := false
	for {
		m.mu.Lock()
		lapsed, fenced, renewed := m.mu.lease.Lapsed(time.Now()), m.mu.lease.Revoked(), m.mu.renewed
		m.mu.Unlock()
		if lapsed >= m.grace() {
			if had && !fenced {
				m.o.Logger.Warn("The controller has not been heard of for too long: nothing is served until it is", "for", lapsed.Round(time.Millisecond))
			}
			if had {
				m.o.Lapsed()
			}
			had = false
			select {
			case <-renewed:
			case <-ctx.Done():
				return
			}
			continue
		}
		had = true
		select {
		case <-time.After(m.grace() - lapsed):
		case <-ctx.Done():
			return
		}
	}
}
