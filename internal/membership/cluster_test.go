package membership

import (
	"context"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// running are the nodes that run, by id.
func (c *cluster) running() []*node {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	var all []*node
	for id := model.NodeID(1); id <= 3; id++ {
		if n := c.w.nodes[id]; n != nil {
			all = append(all, n)
		}
	}
	return all
}

// controller waits for a node to be the active controller, and returns it.
func (c *cluster) controller() *node {
	c.t.Helper()
	var found *node
	if !until(func() bool {
		for _, n := range c.running() {
			if n.office.Ended() != nil && !c.w.cut[n.id] {
				found = n
				return true
			}
		}
		return false
	}) {
		c.t.Fatal("there is no controller")
	}
	return found
}

// others are the nodes that are not the controller.
func (c *cluster) others() []*node {
	c.t.Helper()
	active := c.controller()
	var others []*node
	for _, n := range c.running() {
		if n != active {
			others = append(others, n)
		}
	}
	return others
}

// kill is kill -9: the node's connections end, and nobody listens there any more.
func (c *cluster) kill(n *node) {
	c.t.Helper()
	c.fs[n.id] = c.fs[n.id].Crash()
	n.stop()
	for _, other := range c.running() {
		other.office.ConnectionLost(n.id)
	}
}

// create makes a topic of some partitions on all nodes, through one.
func (c *cluster) create(through *node, name string, partitions int32) {
	c.t.Helper()
	result, err := through.router.Submit(context.Background(), controller.CreateTopics{Topics: []controller.CreateTopic{
		{Name: name, Partitions: partitions, ReplicationFactor: 3},
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	if created := result.(controller.CreateTopicsResult).Topics[0]; created.Err != nil {
		c.t.Fatal(created.Err)
	}
}

// led waits until every partition of a topic has a leader, as a node sees it, and
// returns them.
func (c *cluster) led(seenBy *node, name string) []meta.Partition {
	c.t.Helper()
	var partitions []meta.Partition
	if !until(func() bool {
		topic := seenBy.quorum.Image().Topics.ByName(name)
		if topic == nil {
			return false
		}
		partitions = topic.Partitions
		for _, p := range partitions {
			if p.Leader == model.NoNode {
				return false
			}
		}
		return true
	}) {
		c.t.Fatalf("%s has partitions without a leader", name)
	}
	return partitions
}

// fenced is whether a broker is fenced, as a node sees it.
func (n *node) fenced(broker model.NodeID) bool {
	b := n.quorum.Image().Brokers.ByID(broker)
	return b == nil || b.Fenced
}
