package replica

import (
	"slices"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
)

// Majority is the least number of members of an in-sync set of n that no other
// majority of it can miss: ⌊n/2⌋+1.
func Majority(n int) int { return isr.Majority(n) }

// CommitQuorum is how many members of an in-sync set of n, the leader among
// them, must hold a record durably before it is committed. Kafka asks for all n;
// setting minInsync to the replication factor gives that rule back.
func CommitQuorum(n, minInsync int) int { return isr.CommitQuorum(n, minInsync) }

// HighWatermark is the end (exclusive) of what a quorum holds, the leader among
// it. followers are the durable log ends of the in-sync members other than the
// leader; those that are not normal in the current leader epoch count as
// holding nothing and are passed as 0. It returns 0 where the set is smaller
// than the quorum: the caller never moves its high watermark back.
func HighWatermark(leader model.Offset, followers []model.Offset, minInsync int) model.Offset {
	quorum := CommitQuorum(len(followers)+1, minInsync)
	if quorum > len(followers)+1 {
		return 0
	}
	if quorum == 1 {
		return leader
	}
	ends := slices.Clone(followers)
	slices.SortFunc(ends, func(a, b model.Offset) int { return int(min(max(b-a, -1), 1)) })
	// The leader is one of the quorum; of the others the quorum-1 furthest.
	return min(leader, ends[quorum-2])
}
