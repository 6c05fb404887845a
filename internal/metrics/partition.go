package metrics

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Partition is what this node knows of a replica that it holds.
type Partition struct {
	Topic     string
	Partition model.Partition

	// Of the metadata. Replicas and ISR are not changed, and may be kept.
	Leader      model.NodeID // NoNode where there is none
	LeaderEpoch model.LeaderEpoch
	Replicas    []model.NodeID
	ISR         []model.NodeID
	MinInsync   int

	// Offline is why the log cannot be opened; what follows is zero then.
	Offline error

	LogStart      model.Offset
	HighWatermark model.Offset
	LogEnd        model.Offset
	Size          int64 // bytes of all segments

	// Followers are the other replicas, where this node leads.
	Followers []Follower
}

// Follower is what a leader knows of one.
type Follower struct {
	Node         model.NodeID
	LogEnd       model.Offset // what it is known to hold durably; NoOffset where nothing is known
	CaughtUp     bool         // it has all that the leader has
	LastCaughtUp time.Time    // when it last had; zero for never
}

// Partitions yields every replica that this node holds, in no particular order.
// What yield is given is valid until it returns, with its Followers.
type Partitions func(yield func(*Partition) bool)

// Lag is how many records a follower is behind its leader; false where that is not
// known.
func (p *Partition) Lag(f *Follower) (records int64, ok bool) {
	if f.LogEnd == model.NoOffset {
		return 0, false
	}
	return max(0, int64(p.LogEnd-f.LogEnd)), true
}

// UnderReplicated reports whether a replica is not in sync.
func (p *Partition) UnderReplicated() bool { return len(p.ISR) < len(p.Replicas) }

// LagTime is for how long a follower has not had all that its leader has; false
// where it never had.
func (f *Follower) LagTime(now time.Time) (lag time.Duration, ok bool) {
	switch {
	case f.CaughtUp:
		return 0, true
	case f.LastCaughtUp.IsZero():
		return 0, false
	default:
		return max(0, now.Sub(f.LastCaughtUp)), true
	}
}
