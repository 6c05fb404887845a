package replica

import (
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// View is one version of the partition's metadata, with what the same image
// says of the brokers in it. It does not change once it is made.
type View struct {
	// Leader is a member of ISR, or model.NoNode.
	Leader      model.NodeID
	LeaderEpoch model.LeaderEpoch
	// PartitionEpoch grows with every change of Leader, ISR or Lost.
	PartitionEpoch model.PartitionEpoch
	// Members are the replicas in order of preference.
	Members []Member
	// MinInsync is min.insync.replicas.
	MinInsync int
	// Replaced: those in sync that are going are to leave the set (meta.Partition).
	Replaced bool
}

// Member is one replica as the metadata knows it.
type Member struct {
	Node model.NodeID
	// BrokerEpoch is of the broker's newest registration.
	BrokerEpoch model.BrokerEpoch
	InSync      bool
	// Lost: its disk may lack what it once acknowledged. Only where InSync.
	Lost bool
	// Down: fenced, leaving, or not registered. It is not taken into the set.
	Down bool
	// Removing: it is going, and does not join the set.
	Removing bool
}

// index is where a node stands in Members; -1 where it holds no replica.
func (v *View) index(node model.NodeID) int {
	return slices.IndexFunc(v.Members, func(m Member) bool { return m.Node == node })
}

// ISR lists the members in sync.
func (v *View) ISR() []model.NodeID {
	var isr []model.NodeID
	for _, m := range v.Members {
		if m.InSync {
			isr = append(isr, m.Node)
		}
	}
	return isr
}

// ViewOf is a partition as an image has it.
func ViewOf(p *meta.Partition, brokers meta.Brokers, minInsync int) View {
	v := View{
		Leader: p.Leader, LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.PartitionEpoch,
		Members: make([]Member, len(p.Replicas)), MinInsync: min(minInsync, len(p.Target())),
		Replaced: p.Replaced(),
	}
	for i, node := range p.Replicas {
		m := Member{Node: node, BrokerEpoch: -1, Down: true, InSync: slices.Contains(p.ISR, node), Lost: slices.Contains(p.Lost, node),
			Removing: slices.Contains(p.Removing, node)}
		if b := brokers.ByID(node); b != nil {
			m.BrokerEpoch, m.Down = b.Epoch, b.Fenced || b.Leaving
		}
		v.Members[i] = m
	}
	return v
}
