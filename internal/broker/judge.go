package broker

import (
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/peer"
)

// hello is what this node says of itself to another.
func (b *Broker) hello() peer.Hello {
	return peer.Hello{
		ClusterID: b.clusterID(), Directory: b.dir.id, Incarnation: b.incarnation,
		Voters: slices.Sorted(slices.Values(b.quorum.Members().Voters)),
	}
}

// clusterID is the cluster's id; "" where this node has not heard of it yet.
func (b *Broker) clusterID() string { return b.quorum.Image().ClusterID }

// judge decides whether a node may speak to this one. Where this node does not know
// its cluster yet, either of the two may be wrong: neither is told to give up.
//
// A voter that comes back with an empty directory has forgotten its vote, and what
// metadata it has acknowledged. Let in, it could make a majority of those who do not
// know what was committed; so it is not, unless it has never been a member.
func (b *Broker) judge(h peer.Hello) *peer.Rejection {
	image, voters := b.quorum.Image(), b.quorum.Members().Voters
	final := image.ClusterID != ""
	reject := func(format string, args ...any) *peer.Rejection {
		return &peer.Rejection{Final: final, Reason: fmt.Sprintf(format, args...)}
	}
	own := slices.Sorted(slices.Values(voters))
	switch {
	case !slices.Contains(voters, h.Node):
		return reject("the cluster's nodes are %v, and node %d is not one of them: correct --node-id or --peers", own, h.Node)
	case h.Node == b.config.NodeID:
		return reject("node %d is here already: give each node a --node-id of its own", h.Node)
	case final && h.ClusterID != "" && h.ClusterID != image.ClusterID:
		return reject("this is cluster %s, and node %d's data directory is of cluster %s: choose another --data-dir, or correct --peers", image.ClusterID, h.Node, h.ClusterID)
	case len(h.Voters) > 0 && !slices.Equal(h.Voters, own):
		return reject("the cluster's nodes are %v, and node %d was given %v: correct its --peers", own, h.Node, h.Voters)
	}
	if before := image.Brokers.ByID(h.Node); before != nil && h.ClusterID == "" && before.Directory != h.Directory {
		return reject("node %d was a member with another data directory, and comes with an empty one: start it with the old one; without that, its vote is lost, and it cannot come back under this id", h.Node)
	}
	return nil
}
