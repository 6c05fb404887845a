package broker

import (
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
)

// hello is what this node says of itself to another.
func (b *Broker) hello() peer.Hello {
	return peer.Hello{
		ClusterID: b.dir.clusterID(), Directory: b.dir.id, Incarnation: b.incarnation,
		Voters: slices.Sorted(slices.Values(b.quorum.Members().Voters)),
	}
}

// judge decides whether a node may speak to this one.
func (b *Broker) judge(h peer.Hello) *peer.Rejection {
	return known{
		node: b.config.NodeID, cluster: b.dir.clusterID(), agreed: b.quorum.Image().ClusterID != "", brokers: b.quorum.Applied().Brokers,
		voters: slices.Sorted(slices.Values(b.quorum.Members().Voters)),
	}.judge(h)
}

// known is what a node judges others by: what it has on its disk, from the first moment
// on. What the cluster has decided since it may not have heard of yet, above all
// where all nodes have just been started.
type known struct {
	node    model.NodeID
	cluster string // "": not heard of yet
	agreed  bool   // a majority of the voters is of that cluster: they have told this node so
	voters  []model.NodeID
	brokers meta.Brokers
}

// judge decides whether a node may speak to this one. Where this node has not heard from
// a majority since its start, either of the two may be wrong, and the many would have to
// give up for the one: nobody is told to give up.
//
// A voter that comes back with an empty directory has forgotten its vote, and what
// metadata it has acknowledged. Let in, it could make a majority of those who do not
// know what was committed; so it is not, unless it has never been a member.
func (k known) judge(h peer.Hello) *peer.Rejection {
	reject := func(format string, args ...any) *peer.Rejection {
		return &peer.Rejection{Final: k.agreed, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case !slices.Contains(k.voters, h.Node):
		return reject("the cluster's nodes are %v, and node %d is not one of them: correct --node-id or --peers", k.voters, h.Node)
	case h.Node == k.node:
		return reject("node %d is here already: give each node a --node-id of its own", h.Node)
	case k.cluster != "" && h.ClusterID != "" && h.ClusterID != k.cluster:
		return reject("this is cluster %s, and node %d's data directory is of cluster %s: choose another --data-dir, or correct --peers", k.cluster, h.Node, h.ClusterID)
	case len(h.Voters) > 0 && !slices.Equal(h.Voters, k.voters):
		return reject("the cluster's nodes are %v, and node %d was given %v: correct its --peers", k.voters, h.Node, h.Voters)
	}
	if before := k.brokers.ByID(h.Node); before != nil && h.ClusterID == "" && before.Directory != h.Directory {
		return reject("node %d was a member with another data directory, and comes with an empty one: start it with the old one; without that, its vote is lost, and it cannot come back under this id", h.Node)
	}
	return nil
}
