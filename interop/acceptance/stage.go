package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/kafka"
)

// settleMax is how long nodes may take to agree on what one of them was told. They
// need milliseconds; looking costs the start of a JVM.
const settleMax = 30 * time.Second

// stage is one phase while it runs.
type stage struct {
	*checks.Suite
	*acceptance
}

// check is one check of a phase while it runs.
type check struct {
	*checks.Check
	*stage
}

// check runs f and records how it ended.
func (s *stage) check(name string, f func(c *check)) {
	s.Check(name, func(c *checks.Check) { f(&check{Check: c, stage: s}) })
}

// kafka runs one of Kafka's tools, which must succeed, with a node as its bootstrap
// server, and returns what it printed.
func (c *check) kafka(n *cluster.Node, tool string, args ...string) string {
	return c.Exec(c.tools.Line(n.Addr, kafka.Tool{Name: tool, Args: args}))
}

// produce sends lines through a node with the console producer, and returns what it
// printed: it logs what it could not send, and exits 0.
func (c *check) produce(n *cluster.Node, topic string, lines []string, args ...string) string {
	args = append([]string{"--topic", topic, "--request-required-acks", "-1"}, args...)
	out := c.AnyCode(c.tools.Line(n.Addr, kafka.Tool{Name: "console-producer", Args: args, Stdin: checks.Text(lines)}))
	c.Equal("exit code", out.Code, 0)
	return out.All()
}

// consume reads so many records of a topic through a node, from the beginning.
func (c *check) consume(n *cluster.Node, topic string, count int, args ...string) string {
	return c.kafka(n, "console-consumer", append([]string{"--topic", topic, "--max-messages", fmt.Sprint(count),
		"--timeout-ms", "20000", "--from-beginning"}, args...)...)
}

// everywhere asks each running node until all of them say the same and it is as holds
// demands, which says what is not so; it returns what they say.
func (c *check) everywhere(ask func(*cluster.Node) string, holds func(answer string) error) string {
	var answer string
	c.eventually(func() error {
		for i, n := range c.cluster.Running() {
			said := strings.TrimSpace(ask(n))
			if i > 0 && said != answer {
				return fmt.Errorf("node %d says\n%s\nand another\n%s", n.ID, said, answer)
			}
			answer = said
		}
		return holds(answer)
	})
	return answer
}

// eventually asks until there is no error, and ends the check with the last one where
// that takes too long.
func (c *check) eventually(ask func() error) {
	for began := time.Now(); ; {
		err := ask()
		if err == nil {
			return
		}
		if time.Since(began) > settleMax || c.Ctx.Err() != nil {
			c.Failf("not after %s: %v", time.Since(began).Round(time.Second), err)
		}
	}
}

// whole waits until all nodes run a topic with every replica in sync, and returns its
// partitions.
func (c *check) whole(topic string) []cluster.Partition {
	partitions, err := c.view.AwaitTopic(c.Ctx, topic, c.runningIDs(), cluster.Whole)
	c.NoError(err)
	return partitions
}

func (c *check) runningIDs() []int {
	var ids []int
	for _, n := range c.cluster.Running() {
		ids = append(ids, n.ID)
	}
	return ids
}

// leader is the node that leads partition 0 of a topic.
func (c *check) leader(topic string) *cluster.Node {
	return c.cluster.Node(c.whole(topic)[0].Leader)
}

// others are the running nodes but one.
func (c *check) others(than *cluster.Node) []*cluster.Node {
	var all []*cluster.Node
	for _, n := range c.cluster.Running() {
		if n != than {
			all = append(all, n)
		}
	}
	return all
}

// createPlaced creates a topic of one partition with the replicas given, the first of
// which leads.
func (c *check) createPlaced(topic string, replicas []int, args ...string) {
	var ids []string
	for _, id := range replicas {
		ids = append(ids, fmt.Sprint(id))
	}
	args = append([]string{"--create", "--topic", topic, "--replica-assignment", strings.Join(ids, ":")}, args...)
	c.kafka(c.cluster.Running()[0], "topics", args...)
	c.whole(topic)
}
