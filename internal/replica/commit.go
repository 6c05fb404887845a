package replica

import (
	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// advance moves the high watermark to what the commit quorum holds: of the set
// in force, and of the proposed one while it may be in force already.
func (r *Replica) advance() {
	hw := r.committed()
	if hw <= r.hw {
		return
	}
	r.hw = hw
	r.emit(Effect{Kind: Committed, Offset: hw})
}

func (r *Replica) committed() model.Offset {
	if plant.On(plant.AckBeforeQuorum) {
		return r.ownEnd()
	}
	set := r.view.inSync()
	current := r.held(set, isr.CommitQuorum(set.count(), r.view.MinInsync))
	p := &r.lead.pending
	if !p.open || plant.On(plant.HighWatermarkOldISROnly) {
		return current
	}
	proposed := r.held(p.members, isr.CommitQuorum(p.members.count(), r.view.MinInsync))
	if plant.On(plant.HighWatermarkNewISROnly) {
		return proposed
	}
	return min(current, proposed)
}

// ownEnd is what the leader holds for certain. Before its normal epoch is durable
// it would not be found in an election, and so counts nothing.
func (r *Replica) ownEnd() model.Offset {
	if r.normal < r.view.LeaderEpoch && !plant.On(plant.LeaderNormalNotSaved) {
		return 0
	}
	return r.durable
}

// held is the greatest offset below which quorum members of a set, the leader
// among them, hold everything; 0 where the set is too small.
func (r *Replica) held(set members, quorum int) model.Offset {
	var ends [8]model.Offset // on the stack, for sets of a common size
	followers := ends[:0]
	for i := range r.view.Members {
		if i != r.self && set.has(i) {
			followers = append(followers, r.lead.progress[i].counted())
		}
	}
	return heldBy(quorum, r.ownEnd(), followers)
}
