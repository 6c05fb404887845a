package broker

import (
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/membership"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
)

// hello is what this node says of itself to another. A node that waits to be let into a
// cluster names no voters.
func (b *Broker) hello() peer.Hello {
	return peer.Hello{
		ClusterID: b.dir.clusterID(), Directory: b.dir.id(), Incarnation: b.incarnation,
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
// where all nodes have just been started, or others have joined while it was away.
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
// Who has the cluster's id is of the cluster, or was: this node may know less than the
// other of who is, and a member that was removed harms nobody (quorum.Machine.ChangeMembers).
// Without it a node comes for the first time, to begin a cluster with voters that both
// were given, or to be let in. Or it is a voter with an empty directory, which has
// forgotten its vote, and what metadata it has acknowledged: let in, it could make a
// majority of those who do not know what was committed.
func (k known) judge(h peer.Hello) *peer.Rejection {
	reject := func(format string, args ...any) *peer.Rejection {
		return &peer.Rejection{Final: k.agreed, Reason: fmt.Sprintf(format, args...)}
	}
	joins, begins := h.ClusterID == "" && len(h.Voters) == 0, h.ClusterID == "" && len(h.Voters) > 0
	before := k.brokers.ByID(h.Node)
	switch {
	case h.Node == k.node:
		return reject("node %d is here already: give each node a --node-id of its own", h.Node)
	case k.cluster != "" && h.ClusterID != "" && h.ClusterID != k.cluster:
		return reject("this is cluster %s, and node %d's data directory is of cluster %s: choose another --data-dir, or correct --peers", k.cluster, h.Node, h.ClusterID)
	case joins && slices.Contains(k.voters, h.Node),
		begins && before != nil && before.Directory != h.Directory && slices.Contains(k.voters, h.Node):
		return reject("%s", membership.Emptied(h.Node))
	case begins && k.cluster != "" && !slices.Equal(h.Voters, k.voters):
		return reject("this is cluster %s, whose voters are %v, and node %d was to begin one with the voters %v: start it without --bootstrap to have it join, or correct --node-id and --peers",
			k.cluster, k.voters, h.Node, h.Voters)
	case k.cluster == "" && len(k.voters) > 0 && len(h.Voters) > 0 && !slices.Equal(h.Voters, k.voters):
		return reject("the nodes %v begin a cluster, and node %d was given %v: correct --node-id or --peers", k.voters, h.Node, h.Voters)
	}
	return nil
}
