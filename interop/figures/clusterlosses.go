package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/exchange"
)

// beforeTheKill is how many records are acknowledged before the leader is killed.
const beforeTheKill = 100

// clusterLosses takes how long nothing is acknowledged when the partition's leader is
// killed, which may be the controller too: between two records of one client that asks
// all nodes, and each again after a millisecond.
func clusterLosses(ctx context.Context, o options) ([]series, error) {
	gap := series{what: "3 nodes: kill -9 of a leader, to the next record", unit: "ms", note: "acks=-1, one client, one record at a time"}
	batch := exchange.Batch(1, 100)
	for range o.runs {
		err := withCluster(o, func(c *cluster.Cluster, _ time.Time) error {
			client := routeTo(c)
			defer client.Close()
			for _, n := range c.Nodes { // so that none has yet to come into the in-sync set
				if _, err := readyAt(ctx, n); err != nil {
					return err
				}
			}
			for range beforeTheKill {
				if err := client.Produce(ctx, batch); err != nil {
					return err
				}
			}
			last := time.Now()
			if err := killLeader(c, client.Leader()); err != nil {
				return err
			}
			if err := client.Produce(ctx, batch); err != nil {
				return err
			}
			gap.add(milliseconds(time.Since(last)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []series{gap}, nil
}

// killLeader kills the node at an address.
func killLeader(c *cluster.Cluster, leader net.Addr) error {
	_, port, err := net.SplitHostPort(leader.String())
	if err != nil {
		return err
	}
	for _, n := range c.Nodes {
		if _, p, err := net.SplitHostPort(n.Addr); err == nil && p == port {
			return n.Kill()
		}
	}
	return fmt.Errorf("no node has port %s", port)
}
