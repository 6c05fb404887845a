package main

import (
	"fmt"

	"github.com/chronik/chronik/interop/cluster"
)

// ownCluster is a cluster that one suite has for itself.
type ownCluster struct {
	*suiteRun // its broker are all nodes
	*cluster.Cluster
	view *cluster.View
	// expected are texts of errors that the nodes are to log.
	expected []string
}

// onOwnNodes runs checks on three nodes of the suite's own, each with the flags for its
// id, and has them stop afterwards.
func (s *suiteRun) onOwnNodes(flags func(id int) []string, do func(*ownCluster)) {
	var own *ownCluster
	s.check("three nodes start", func(c *check) {
		started, err := openCluster(c.Ctx, c.broker.options, flags)
		c.NoError(err)
		view, err := cluster.NewView(started)
		c.NoError(err)
		own = &ownCluster{suiteRun: s.on(started), Cluster: started, view: view}
	})
	if own == nil {
		return
	}
	defer own.Cluster.Close(s.broker.options.keep)
	defer own.view.Close()
	do(own)
	own.stopsCleanly(own.Cluster, own.expected...)
}

// on is the suite on other nodes, all of which are its broker.
func (s *suiteRun) on(nodes *cluster.Cluster) *suiteRun {
	suite, b := *s.Suite, *s.broker
	suite.Explain, b.addr = nodes.Gone, nodes.Bootstrap()
	return &suiteRun{Suite: &suite, tools: s.tools, broker: &b}
}

// created makes a topic of one partition on all three nodes, and waits until all of them
// know it and its replicas are in sync.
func (o *ownCluster) created(c *check, topic string, settings ...string) cluster.Partition {
	args := []string{"--partitions", "1", "--replication-factor", "3"}
	for _, s := range settings {
		args = append(args, "--config", s)
	}
	c.createTopic(topic, args...)
	return o.whole(c, topic)
}

// whole waits until all nodes know that a topic's one partition has all of its replicas
// in sync.
func (o *ownCluster) whole(c *check, topic string) cluster.Partition {
	p, err := o.view.AwaitTopic(c.Ctx, topic, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	return p[0]
}

// followed waits until the nodes that are left know that a partition is led, and that
// those alone are in sync.
func (o *ownCluster) followed(c *check, topic string, left ...int) cluster.Partition {
	p, err := o.view.AwaitTopic(c.Ctx, topic, left, func(p []cluster.Partition) error {
		if p[0].Leader < 1 || len(p[0].ISR) != len(left) {
			return fmt.Errorf("topic %s: %+v, want nodes %v in sync", topic, p[0], left)
		}
		return nil
	})
	c.NoError(err)
	return p[0]
}

// others are the nodes but one.
func others(id int) []int {
	var ids []int
	for other := 1; other <= cluster.Size; other++ {
		if other != id {
			ids = append(ids, other)
		}
	}
	return ids
}
