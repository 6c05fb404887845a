package partition

import (
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// Throttled reports whether the topic's settings have throttles hold back what this
// node, as the leader, sends to a follower that is not in sync. It takes no lock.
func (p *Partition) Throttled(follower model.NodeID) (asLeader, asFollower bool) {
	values := p.values.Load()
	if values == nil {
		return false, false // it has no role yet
	}
	return values.Throttled(int32(p.name.Partition), int32(p.set.node), int32(follower))
}

// ThrottledHere reports whether that is so of what this node is sent as a follower now,
// as far as it knows. It takes no lock.
func (p *Partition) ThrottledHere() bool {
	values, state := p.values.Load(), p.state.Load()
	return values != nil && values.FollowerThrottled.Has(int32(p.name.Partition), int32(p.set.node)) &&
		!slices.Contains(state.ISR, p.set.node)
}
