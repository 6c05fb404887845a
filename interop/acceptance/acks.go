package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/kafka"
)

// count is how many records are produced at a time.
const count = 100

// acksPhase: acks=-1 waits for the quorum of the in-sync replicas, whichever node is
// named, and too few of them take nothing.
func acksPhase(s *stage) {
	const topic = "acks"
	records := checks.Numbers(1, count)
	s.check("a topic with three replicas", func(c *check) { c.createPlaced(topic, []int{1, 2, 3}) })
	s.check("100 records, acks=-1", func(c *check) { c.Lacks(c.produce(s.cluster.Nodes[0], topic, records), `ERROR|Exception`) })
	for _, n := range s.cluster.Nodes {
		s.check(fmt.Sprintf("consumed through node %d, all and in order", n.ID), func(c *check) {
			c.Equal("records", c.consume(n, topic, count), checks.Text(records))
		})
	}
	s.check("log: the leader registers acks=-1 and reaches the quorum, followers send their ACKs", func(c *check) {
		partition := topic + "-0"
		leader := c.leader(topic)
		for _, message := range []string{"acks=-1 registered", "ISR quorum reached"} {
			if len(c.logged(leader, message, "partition", partition, "offset", count, "isr", "[1 2 3]", "quorum", 2)) == 0 {
				c.Failf("node %d, which leads, has not logged %q of offset %d, 3 in sync and a quorum of 2", leader.ID, message, count)
			}
		}
		for _, n := range c.others(leader) {
			if len(c.logged(n, "ACK sent to leader", "partition", partition, "offset", count)) == 0 {
				c.Failf("node %d, a follower, has not logged that it acknowledged offset %d", n.ID, count)
			}
		}
	})
	for _, n := range s.cluster.Nodes {
		s.check(fmt.Sprintf("100 more through node %d, consumed through all", n.ID), func(c *check) { roundTrip(c, n) })
	}
	s.check("one group goes on through each node, and all describe it alike", groupThroughAll)
	for _, n := range s.cluster.Nodes {
		s.check(fmt.Sprintf("a group of node %d's own", n.ID), func(c *check) {
			group := fmt.Sprint("group-", n.ID)
			c.Equal("records", c.consume(n, topic, count, "--group", group), checks.Text(records))
			c.Matches(c.kafka(n, "consumer-groups", "--describe", "--group", group), "^"+group+`\s+`+topic+`\s+0\s+100\s+100\s+0\s`)
		})
	}
	s.check("groups' offsets have three replicas", func(c *check) {
		for i, p := range c.whole("__consumer_offsets") {
			c.Equal(fmt.Sprintf("replicas of __consumer_offsets-%d", i), len(p.Replicas), cluster.Size)
		}
	})
	shrinking(s)
}

func roundTrip(c *check, through *cluster.Node) {
	topic := fmt.Sprint("round-trip-", through.ID)
	c.createPlaced(topic, []int{1, 2, 3})
	records := checks.Numbers(1, count)
	c.Lacks(c.produce(through, topic, records), `ERROR|Exception`)
	for _, n := range c.cluster.Nodes {
		c.Equal(fmt.Sprintf("records through node %d", n.ID), c.consume(n, topic, count), checks.Text(records))
	}
}

// groupThroughAll has one group read a part through each node.
func groupThroughAll(c *check) {
	const topic, group = "round-trip-1", "everywhere"
	first := 1
	for i, n := range c.cluster.Nodes {
		last := []int{40, 70, 100}[i]
		c.Equal(fmt.Sprintf("records through node %d", n.ID), c.consume(n, topic, last-first+1, "--group", group), checks.Text(checks.Numbers(first, last)))
		first = last + 1
	}
	c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "consumer-groups", "--describe", "--group", group) },
		hasLine("^"+group+`\s+`+topic+`\s+0\s+100\s+100\s+0\s`))
}

// shrinking takes a node away: the quorum is of who is in sync, and where those are
// fewer than min.insync.replicas nothing is appended.
func shrinking(s *stage) {
	const topic, needsAll, needsTwo = "acks", "needs-three", "needs-two-of-two"
	stopped := s.cluster.Node(3)
	s.check("topics that need three of three and two of two in sync", func(c *check) {
		c.createPlaced(needsAll, []int{1, 2, 3}, "--config", "min.insync.replicas=3")
		c.createPlaced(needsTwo, []int{1, 3}, "--config", "min.insync.replicas=2")
		for _, t := range []string{needsAll, needsTwo} {
			c.Lacks(c.produce(s.cluster.Nodes[0], t, checks.Numbers(1, 5)), `ERROR|Exception`)
		}
	})
	s.check("node 3 stops, and leaves every in-sync set", func(c *check) {
		_, err := stopped.Stop()
		c.NoError(err)
		for _, t := range []string{topic, needsAll, needsTwo} {
			_, err := s.view.AwaitTopic(s.Ctx, t, []int{1, 2}, without(stopped.ID))
			c.NoError(err)
		}
		c.loggedSomewhere("ISR updated", "partition", topic+"-0", "isr", "[1 2]")
	})
	s.check("100 records to the two that are left, whose quorum is both", func(c *check) {
		c.Lacks(c.produce(s.cluster.Nodes[1], topic, checks.Numbers(101, 200)), `ERROR|Exception`)
		c.loggedSomewhere("ISR quorum reached", "partition", topic+"-0", "offset", 2*count, "isr", "[1 2]", "quorum", 2)
		for _, n := range s.cluster.Running() {
			c.Equal("records", c.consume(n, topic, 2*count), checks.Text(checks.Numbers(1, 200)))
		}
	})
	for _, t := range []string{needsAll, needsTwo} {
		s.check("too few in sync: NOT_ENOUGH_REPLICAS, and nothing is appended to "+t, func(c *check) { refuses(c, t) })
	}
	s.check("node 3 returns with the same command, and is in sync again", func(c *check) {
		c.NoError(s.cluster.Start(s.Ctx, stopped.ID))
		for _, t := range []string{topic, needsAll, needsTwo} {
			c.whole(t)
		}
	})
	s.check("what was refused is taken now, once", func(c *check) {
		for _, t := range []string{needsAll, needsTwo} {
			c.Lacks(c.produce(stopped, t, checks.Numbers(6, 10)), `ERROR|Exception`)
			c.Equal("records of "+t, c.consume(stopped, t, 10), checks.Text(checks.Numbers(1, 10)))
			c.Equal("offsets of "+t, strings.TrimSpace(c.kafka(stopped, "get-offsets", "--topic", t)), t+":0:10")
		}
	})
}

// without demands a leader, and that a node is in no in-sync set.
func without(node int) func([]cluster.Partition) error {
	return func(partitions []cluster.Partition) error {
		for i, p := range partitions {
			for _, id := range p.ISR {
				if id == node || p.Leader == node || p.Leader < 1 {
					return fmt.Errorf("partition %d: %+v", i, p)
				}
			}
		}
		return nil
	}
}

func refuses(c *check, topic string) {
	n := c.cluster.Running()[0]
	// One that would try again would be told so after two minutes.
	began := time.Now()
	out := c.produce(n, topic, []string{"refused"}, "--message-send-max-retries", "0", "--command-property", "enable.idempotence=false")
	c.Matches(out, `NotEnoughReplicasException`)
	c.Note(fmt.Sprintf("refused after %s", time.Since(began)))
	for _, asked := range c.cluster.Running() {
		c.Equal("offsets", strings.TrimSpace(c.kafka(asked, "get-offsets", "--topic", topic)), topic+":0:5")
	}
	// Not even where no consumer sees it.
	partitions, err := c.view.Topic(c.Ctx, n.ID, topic)
	c.NoError(err)
	dump := c.Exec(c.tools.Line("", kafka.Tool{Name: "dump-log", Local: true,
		Args: []string{"--print-data-log", "--deep-iteration", "--files", segmentFiles(c, c.cluster.Node(partitions[0].Leader), topic+"-0")}}))
	c.Lacks(dump, `payload: refused`)
}
