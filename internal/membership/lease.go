package membership

import (
	"context"
	"time"
)

// leaseGrace is how long after its end a lease is still expected to be renewed: a
// controller that has just been elected answers the next heartbeat.
const leaseGrace = 500 * time.Millisecond

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
	return m.mu.lease.Held(now) || m.mu.lease.Lapsed(now) < leaseGrace
}

// Await implements partition.Lease.
func (m *Member) Await(ctx context.Context) bool {
	for {
		m.mu.Lock()
		now := time.Now()
		held, left, renewed := m.mu.lease.Held(now), leaseGrace-m.mu.lease.Lapsed(now), m.mu.renewed
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
		if lapsed >= leaseGrace {
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
		case <-time.After(leaseGrace - lapsed):
		case <-ctx.Done():
			return
		}
	}
}
