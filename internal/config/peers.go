package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/settings"
)

// Peer is another node of the cluster.
type Peer struct {
	Node    model.NodeID
	Address string // host:port of its cluster port
}

// nodeAddress is one item of peers or controller.quorum.voters.
type nodeAddress struct {
	node    model.NodeID
	address endpoint
}

func parseNodeAddress(item string) (nodeAddress, error) {
	const form = "id@host:port"
	id, address, ok := strings.Cut(item, "@")
	if !ok {
		return nodeAddress{}, fmt.Errorf("%q is not of the form %s", item, form)
	}
	n, err := strconv.ParseInt(id, 10, 32)
	if err != nil || n < 0 {
		return nodeAddress{}, fmt.Errorf("%q: %q is not the id of a node, which is a number from 0 to %d", item, id, math.MaxInt32)
	}
	e, err := parseAddress(item, address, form)
	switch {
	case err != nil:
		return nodeAddress{}, err
	case isEverywhere(e.host):
		return nodeAddress{}, fmt.Errorf("%q: nobody can connect to %q; name a host or address that this node reaches", item, e.host)
	case e.port == 0:
		return nodeAddress{}, fmt.Errorf("%q: nobody can connect to port 0; name the port of that node's raft.addr", item)
	}
	return nodeAddress{node: model.NodeID(n), address: e}, nil
}

func (n nodeAddress) String() string { return strconv.Itoa(int(n.node)) + "@" + n.address.address() }

// parseNodeAddresses reads peers or controller.quorum.voters, given as setting.
func parseNodeAddresses(setting, text string) ([]nodeAddress, error) {
	items := settings.SplitList(text)
	nodes := make([]nodeAddress, 0, len(items))
	for _, item := range items {
		n, err := parseNodeAddress(item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
		for _, other := range nodes {
			switch {
			case other.node == n.node:
				return nil, fmt.Errorf("%s: node %d is named twice, as %s and %s; each node has an id of its own", setting, n.node, other, n)
			case strings.EqualFold(other.address.address(), n.address.address()):
				return nil, fmt.Errorf("%s: %s and %s have the same address; each node has one of its own", setting, other, n)
			}
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
