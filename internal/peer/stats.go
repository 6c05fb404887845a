package peer

import (
	"cmp"
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// LinkStats are of the link to one node.
type LinkStats struct {
	Node       model.NodeID
	Connected  bool
	Queued     int   // frames
	Unanswered int   // requests
	Dropped    int64 // messages, since New
}

// Links are those that were ever used, by node.
func (n *Network) Links() []LinkStats {
	n.mu.Lock()
	links := make([]*link, 0, len(n.mu.links))
	for _, l := range n.mu.links {
		links = append(links, l)
	}
	n.mu.Unlock()
	stats := make([]LinkStats, len(links))
	for i, l := range links {
		stats[i] = l.stats()
	}
	slices.SortFunc(stats, func(a, b LinkStats) int { return cmp.Compare(a.Node, b.Node) })
	return stats
}

// Refused reports whether nobody listened where a node is when it was last dialed.
func (n *Network) Refused(node model.NodeID) bool {
	n.mu.Lock()
	l := n.mu.links[node]
	n.mu.Unlock()
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.refused
}

func (l *link) stats() LinkStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LinkStats{
		Node: l.to, Connected: l.mu.connected, Queued: len(l.mu.queue), Unanswered: len(l.mu.calls), Dropped: l.dropped.Load(),
	}
}
