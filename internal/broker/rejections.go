package broker

import (
	"slices"
	"sync"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/model"
)

// rejections decide whether a start ends because other nodes do not accept this one, for
// good as they say. Whoever listens at an address says so, and an address may be of
// yesterday: where a node of this cluster was, one of another cluster may be today, with
// the same id. So
//
//   - what is said at an address that only the metadata have, or another node has told, ends
//     no start: nobody can correct it;
//   - what is said where --peers point ends it where no other address of that node is known:
//     either that is to be corrected, or this node's directory or id is;
//   - where others are known it ends it once all nodes that --peers name, of several, have
//     said so there: one address may be of yesterday. That is how a data directory of another
//     cluster is found out, whose metadata have other addresses.
//
// The zero value has heard none; it may be used concurrently.
type rejections struct {
	mu    sync.Mutex
	heard map[model.NodeID]bool // by whom, where --peers point
}

// final reports whether a final rejection at an address of a node ends the start; known are
// all of that node's.
func (r *rejections) final(node model.NodeID, address string, known []string, peers []config.Peer) bool {
	if !slices.Contains(peers, config.Peer{Node: node, Address: address}) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heard == nil {
		r.heard = make(map[model.NodeID]bool)
	}
	r.heard[node] = true
	return only(known, address) || len(peers) > 1 && !slices.ContainsFunc(peers, func(p config.Peer) bool { return !r.heard[p.Node] })
}

func only(known []string, address string) bool { return len(known) == 1 && known[0] == address }
