package nodes

import (
	"context"
	"time"

	"github.com/chronik/chronik/internal/bench/comparison"
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/exchange"
	"github.com/chronik/chronik/interop/process"
)

const (
	// tryMax is for how long a record is tried: Kafka takes ten seconds to miss a node,
	// and two busy cores as long to start three JVMs.
	tryMax = 3 * time.Minute
	// recordBytes is what a record of ours has; it is to cost nothing.
	recordBytes = 100
	startTopic  = "start"
)

// nodes are a cluster, and how many leaders it has lost.
type nodes struct {
	*cluster.Cluster
	losses int
}

func three(c *cluster.Cluster, err error) (comparison.Cluster, error) {
	if err != nil {
		return nil, err
	}
	return &nodes{Cluster: c}, nil
}

// Bootstrap are the addresses of all nodes.
func (n *nodes) Bootstrap() []string { return n.Addrs() }

// Start starts all nodes at once.
func (n *nodes) Start(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	for _, node := range n.Nodes {
		if err := node.Start(); err != nil {
			return 0, err
		}
	}
	client := n.route(startTopic)
	defer client.Close()
	if err := client.Create(ctx, n.ids()...); err != nil {
		return 0, err
	}
	if err := client.Produce(ctx, exchange.Batch(1, recordBytes)); err != nil {
		return 0, err
	}
	took := time.Since(began)
	// One of them may not have been needed for that.
	for _, node := range n.Nodes {
		if err := node.AwaitListening(ctx); err != nil {
			return 0, err
		}
	}
	return took, nil
}

// Usage adds up processor time, and finds the node with most memory.
func (n *nodes) Usage() (comparison.Usage, error) {
	var u comparison.Usage
	for _, node := range n.Nodes {
		ticks, err := process.Ticks(node.PID())
		if err != nil {
			return u, err
		}
		bytes, err := process.ResidentBytes(node.PID())
		if err != nil {
			return u, err
		}
		u.Processor += time.Duration(ticks * float64(time.Second) / process.TicksPerSecond)
		u.ResidentBytes = max(u.ResidentBytes, int64(bytes))
	}
	return u, nil
}

// Close kills the nodes: what they would write at an orderly end is removed with the rest.
func (n *nodes) Close() error { return n.Cluster.Close(false) }

func (n *nodes) route(topic string) exchange.Route {
	return exchange.Route{Addrs: n.Addrs(), Topic: topic, TryMax: tryMax}
}

func (n *nodes) ids() []int {
	var ids []int
	for _, node := range n.Nodes {
		ids = append(ids, node.ID)
	}
	return ids
}
