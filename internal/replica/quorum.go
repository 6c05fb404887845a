package replica

import (
	"slices"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
)

// HighWatermark is the end (exclusive) of what a quorum holds, the leader among
// it. followers are the durable log ends of the in-sync members other than the
// leader; those that are not normal in the current leader epoch count as
// holding nothing and are passed as 0. It returns 0 where the set is smaller
// than the quorum: the caller never moves its high watermark back.
func HighWatermark(leader model.Offset, followers []model.Offset, minInsync int) model.Offset {
	return heldBy(isr.CommitQuorum(len(followers)+1, minInsync), leader, slices.Clone(followers))
}

// heldBy is the greatest offset below which quorum members, the leader among them,
// hold everything; 0 where there are fewer. It sorts followers.
func heldBy(quorum int, leader model.Offset, followers []model.Offset) model.Offset {
	others := quorum - 1
	switch {
	case others > len(followers):
		return 0
	case others <= 0:
		return leader
	}
	slices.Sort(followers)
	return min(leader, followers[len(followers)-others])
}
