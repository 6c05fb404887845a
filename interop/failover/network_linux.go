package main

import (
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/nets"
)

// network is the nodes' network, of which one node can be cut off from the others.
type network struct {
	*nets.Network
	mend func() error // what is cut
}

func newNetwork() (*network, error) {
	n, err := nets.New(cluster.Size)
	if err != nil {
		return nil, err
	}
	return &network{Network: n}, nil
}

func (n *network) place(id int) cluster.Place {
	return cluster.Place{Host: n.Addr(id), Inside: n.Inside(id)}
}

// cutOff drops what goes between a node and the others, until mend is called.
func (n *network) cutOff(node int) (err error) {
	n.mend, err = n.Cut(nets.Between([]int{node}, n.Nodes(node)))
	return err
}
