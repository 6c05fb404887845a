package main

import (
	"errors"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/exchange"
)

// lookAgain is how long is waited before a node's log is read again.
const lookAgain = time.Millisecond

// withCluster has do measure three nodes on empty directories, of which the first was
// started at began and the others after it.
func withCluster(o options, do func(c *cluster.Cluster, began time.Time) error) (err error) {
	c, err := cluster.Chronik(o.server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(false)) }()
	began := time.Now()
	for _, n := range c.Nodes {
		if err := n.Start(); err != nil {
			return err
		}
	}
	return do(c, began)
}

// routeTo is a client of a cluster.
func routeTo(c *cluster.Cluster) exchange.Route {
	return exchange.Route{Addrs: c.Addrs(), Topic: topic, TryMax: startMax}
}
