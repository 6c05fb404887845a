package metrics

import (
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/histogram"
)

// Elections counts the elections of partition leaders that this node ran as the
// active controller. It may be used concurrently.
type Elections struct {
	took    *histogram.Histogram
	unclean atomic.Int64
}

// NewElections has counted none.
func NewElections() *Elections { return &Elections{took: histogram.New(histogram.Durations())} }

// Observe counts an election that took d, from when its partition was found to be
// without a leader until the leader was committed.
func (e *Elections) Observe(d time.Duration) { e.took.Observe(int64(d)) }

// Unclean counts an election that was unclean, besides Observe.
func (e *Elections) Unclean() { e.unclean.Add(1) }

// Replication counts what happens between leaders and followers on this node. The
// zero Replication has counted nothing; it may be used concurrently.
type Replication struct {
	shrunk, expanded, refused atomic.Int64
	received, sent            atomic.Int64

	receivedThrottled, sentThrottled, waiting atomic.Int64
}

// Shrunk counts an in-sync set of this leader that has lost a member.
func (r *Replication) Shrunk() { r.shrunk.Add(1) }

// Expanded counts an in-sync set of this leader that has got a member.
func (r *Replication) Expanded() { r.expanded.Add(1) }

// Refused counts a proposal of this leader, for another in-sync set, that the
// controller has refused.
func (r *Replication) Refused() { r.refused.Add(1) }

// Received counts bytes of batches that came from a leader.
func (r *Replication) Received(bytes int) { r.received.Add(int64(bytes)) }

// Sent counts bytes of batches that went to a follower.
func (r *Replication) Sent(bytes int) { r.sent.Add(int64(bytes)) }

// ReceivedThrottled counts those of the bytes received that came as fast as a throttle let
// them.
func (r *Replication) ReceivedThrottled(bytes int) { r.receivedThrottled.Add(int64(bytes)) }

// SentThrottled counts those of the bytes sent that went as fast as a throttle let them.
func (r *Replication) SentThrottled(bytes int) { r.sentThrottled.Add(int64(bytes)) }

// Waiting says how many partitions wait for a throttle now, each to a follower.
func (r *Replication) Waiting(partitions int) { r.waiting.Store(int64(partitions)) }
