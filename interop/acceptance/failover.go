package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/cluster"
)

const (
	// electionMax is what is required of the nodes.
	electionMax = 15 * time.Second
	// exitMax is what "in seconds" means.
	exitMax = 10 * time.Second
)

// failoverPhase: leaders die and are stopped while records are produced, and none is
// lost; who was away catches up.
func failoverPhase(s *stage) {
	s.check("kill -9 of a leader that is not the controller: 100 of 100", func(c *check) { killLeader(c, "leader-dies", false) })
	s.check("what was produced is on both that are left", func(c *check) { sameEverywhere(c, "leader-dies") })
	s.check("log: Leader timeout, Electing first ISR member as leader, Elected new leader", func(c *check) { electionLogged(c, "leader-dies") })
	s.check("the dead node returns with the same command, catches up and is in sync", func(c *check) { returns(c, "leader-dies") })
	s.check("it serves the same when the others are stopped in turn", func(c *check) { servesAlone(c, "leader-dies") })

	s.check("kill -9 of a leader that is the controller: 100 of 100", func(c *check) { killLeader(c, "controller-dies", true) })
	s.check("what was produced is on both that are left", func(c *check) { sameEverywhere(c, "controller-dies") })
	s.check("it returns, catches up and is in sync", func(c *check) { returns(c, "controller-dies") })
	s.check("it serves the same when the others are stopped in turn", func(c *check) { servesAlone(c, "controller-dies") })

	s.check("Ctrl+C and start of each node in turn: 200 of 200, exit 0 in seconds", rollingRestart)
	s.check("groups' offsets have survived", func(c *check) {
		c.everywhere(func(n *cluster.Node) string {
			return c.kafka(n, "consumer-groups", "--describe", "--group", "everywhere")
		},
			hasLine(`^everywhere\s+round-trip-1\s+0\s+100\s+100\s+0\s`))
	})
}

// killLeader kills the leader of a topic among 100 records, and demands another in time
// and all records acknowledged.
func killLeader(c *check, topic string, controls bool) {
	controller, err := c.view.AwaitController(c.Ctx, 1, 2, 3)
	c.NoError(err)
	order := []int{1, 2, 3}
	for order[0] == controller != controls {
		order = append(order[1:], order[0])
	}
	c.createPlaced(topic, order)
	producer := c.startProducing(topic, count)
	producer.awaitAcked(c, count/4)
	dead := c.cluster.Node(order[0])
	c.NoError(dead.Kill())
	killed := time.Now()
	producer.awaitAcked(c, count/2)
	c.Note(fmt.Sprintf("node %d killed at %s", dead.ID, killed.Format(time.TimeOnly+".000")))
	producer.finish(c, count)
	elected := c.loggedSomewhere("Elected new leader", "partition", topic+"-0")
	if took := elected[len(elected)-1].at.Sub(killed); took > electionMax {
		c.Failf("elected after %s, allowed are %s", took, electionMax)
	}
	_, err = c.view.AwaitTopic(c.Ctx, topic, c.runningIDs(), without(dead.ID))
	c.NoError(err)
}

// sameEverywhere reads a topic through every running node: 100 of 100, in order.
func sameEverywhere(c *check, topic string) {
	for _, n := range c.cluster.Running() {
		c.Equal(fmt.Sprintf("records through node %d", n.ID), c.consume(n, topic, count), checks.Text(checks.Numbers(0, count-1)))
	}
	c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "topics", "--describe", "--topic", topic) },
		hasLine(`^\tTopic: `+topic+`\tPartition: 0\tLeader: [123]\tReplicas: [123],[123],[123]\tIsr: [123],[123]\b`))
	c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "get-offsets", "--topic", topic) }, hasLine("^"+topic+":0:100$"))
}

// electionLogged looks for the story of an election, and that it was the first in-sync
// member who was elected.
func electionLogged(c *check, topic string) {
	partition := topic + "-0"
	partitions, err := c.view.Topic(c.Ctx, c.runningIDs()[0], topic)
	c.NoError(err)
	replicas, leader := partitions[0].Replicas, partitions[0].Leader
	c.Equal("leader", leader, replicas[1])
	c.loggedSomewhere("Leader timeout", "partition", partition, "leader", replicas[0])
	c.loggedSomewhere("Electing first ISR member as leader", "partition", partition, "node", leader)
	c.loggedSomewhere("Elected new leader", "partition", partition, "node", leader, "epoch", partitions[0].Epoch)
	c.loggedSomewhere("ISR updated", "partition", partition, "isr", fmt.Sprint(replicas[1:]))
}

// stoppedNode is the one that does not run.
func (c *check) stoppedNode() *cluster.Node {
	for _, n := range c.cluster.Nodes {
		if !n.Running() {
			return n
		}
	}
	c.Failf("all nodes run")
	return nil
}

// returns starts the dead node, and waits until it is in sync.
func returns(c *check, topic string) {
	n := c.stoppedNode()
	began := time.Now()
	c.NoError(c.cluster.Start(c.Ctx, n.ID))
	c.whole(topic)
	lines := c.logged(n, "Caught up with leader at offset", "partition", topic+"-0")
	if len(lines) == 0 || lines[len(lines)-1].at.Before(began) {
		c.Failf("node %d has not logged that it caught up with the leader of %s-0", n.ID, topic)
	}
}

// servesAlone stops whoever leads, one node at a time, until the node that was dead has
// led and so served all of it, and each of the others was away once.
func servesAlone(c *check, topic string) {
	was := c.cluster.Node(c.whole(topic)[0].Replicas[0])
	away := map[*cluster.Node]bool{}
	led := false
	for turn := 0; len(away) < cluster.Size-1 || !led; turn++ {
		if turn == 3*cluster.Size {
			c.Failf("node %d does not come to lead", was.ID)
		}
		stopped := c.leader(topic)
		if stopped == was {
			stopped = c.others(was)[turn%2]
		}
		_, err := stopped.Stop()
		c.NoError(err)
		partitions, err := c.view.AwaitTopic(c.Ctx, topic, c.runningIDs(), without(stopped.ID))
		c.NoError(err)
		away[stopped], led = true, led || partitions[0].Leader == was.ID
		c.Equal(fmt.Sprintf("records with node %d stopped, read from node %d", stopped.ID, partitions[0].Leader),
			c.consume(was, topic, count), checks.Text(checks.Numbers(0, count-1)))
		c.NoError(c.cluster.Start(c.Ctx, stopped.ID))
		c.whole(topic)
	}
}

// rollingRestart stops and starts each node while 200 records are produced.
func rollingRestart(c *check) {
	const topic, records = "rolling", 2 * count
	c.createPlaced(topic, []int{2, 3, 1})
	producer := c.startProducing(topic, records)
	producer.awaitAcked(c, 10)
	for _, n := range c.cluster.Nodes {
		took, err := n.Stop()
		c.NoError(err)
		c.Note(fmt.Sprintf("node %d exits 0 after %s", n.ID, took))
		if took > exitMax {
			c.Failf("node %d took %s to exit", n.ID, took)
		}
		if len(c.logged(n, "Handed leadership over")) == 0 {
			c.Failf("node %d has not logged that it handed leadership over", n.ID)
		}
		c.NoError(c.cluster.Start(c.Ctx, n.ID))
		c.whole(topic)
	}
	acked := producer.finish(c, records)
	for _, n := range c.cluster.Nodes {
		out := c.consume(n, topic, records, "--formatter-property", "print.offset=true")
		row := regexp.MustCompile(`^Offset:(\d+)\t(\d+)$`)
		var values []string
		for line := range strings.Lines(out) {
			m := row.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				c.Failf("no record: %q", line)
			}
			values = append(values, m[2])
			c.Equal("offset of record "+m[2], m[1], strconv.FormatInt(acked[m[2]], 10))
		}
		if !slices.Equal(values, checks.Numbers(0, records-1)) {
			c.Failf("records through node %d: %v", n.ID, values)
		}
	}
}
