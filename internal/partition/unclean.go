package partition

import (
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// electedUncleanly reports whether a node has become leader by an unclean election: that
// alone makes it the whole in-sync set in the moment in which it is elected.
func electedUncleanly(prev, next *meta.Partition) bool {
	return len(prev.ISR) > 0 && prev.Leader == model.NoNode && next.LeaderEpoch == prev.LeaderEpoch+1 &&
		slices.Equal(next.ISR, []model.NodeID{next.Leader}) &&
		(len(prev.ISR) > 1 || len(prev.Lost) > 0 || !slices.Contains(prev.ISR, next.Leader))
}

// tellUncleanLocked says what a leader may lack that was elected so. It knows what is committed
// up to its high watermark; what was beyond is lost, where its log lacks it.
func (p *Partition) tellUncleanLocked(prev *State, epoch model.LeaderEpoch) {
	p.set.logger.Error("Elected leader uncleanly: committed records may be lost, from an offset on that this node does not know to be committed",
		"partition", p.name, "leader", p.set.node, "epoch", epoch, "in_sync_before", prev.ISR, "lost_before", prev.Lost,
		"from", p.mu.replica.HighWatermark(), "leader_log_end", p.mu.replica.ElectedEnd())
}
