package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chronik/chronik/interop/command"
)

// balances has chronik-server even out a topic that two of three nodes have, and then one
// node be emptied of it: Kafka's tools see what was said, and nothing that moves any more.
func (m *moves) balances(c *check) {
	const partitions = 6
	topic := c.topic("balance")
	c.createTopic(topic, "--replica-assignment", strings.TrimSuffix(strings.Repeat("1:2,2:1,", partitions/2), ","))
	var replicas [][]int
	for _, p := range m.everywhere(c, topic) {
		replicas = append(replicas, p.Replicas)
	}
	records := m.written(c, topic, partitions)
	out := m.balance(c, topic, "--dry-run")
	if changed := m.said(c, topic, out, replicas); slices.EqualFunc(changed, replicas, slices.Equal) {
		c.Failf("nothing is to move:\n%s", out)
	}
	m.described(c, topic, replicas) // still
	for _, args := range [][]string{nil, {"--empty", "1"}} {
		out := m.balance(c, topic, args...)
		replicas = m.said(c, topic, out, replicas)
		m.described(c, topic, replicas)
		c.Matches(c.kafka("reassign-partitions", "--list"), `^No partition reassignments found\.$`)
		c.Equal(fmt.Sprint("records after ", args), m.read(c, topic, partitions), records)
	}
	for p, nodes := range replicas {
		if slices.Contains(nodes, 1) {
			c.Failf("partition %d is on %v, after node 1 was emptied", p, nodes)
		}
	}
	c.Matches(m.balance(c, topic, "--empty", "1"), `^Nothing is to be done: `)
}

// balance runs chronik-server balance for a topic.
func (m *moves) balance(c *check, topic string, args ...string) string {
	line := []string{c.broker.options.server, "balance", "--bootstrap-servers", c.broker.addr, "--sample", "0s", "--topics", topic}
	return c.Exec(command.Line{Name: "chronik-server balance", Args: slices.Concat(line, args)})
}

// said are the replicas that a topic is to have, by what balance prints of those that move.
func (m *moves) said(c *check, topic, out string, before [][]int) [][]int {
	after := slices.Clone(before)
	for _, move := range regexp.MustCompile(`(?m)^  `+topic+`-(\d+) +([\d,]+) -> ([\d,]+) `).FindAllStringSubmatch(out, -1) {
		p := c.Number(move[1])
		c.Equal("moved from", move[2], joined(before[p], ","))
		after[p] = nil
		for id := range strings.SplitSeq(move[3], ",") {
			after[p] = append(after[p], c.Number(id))
		}
	}
	return after
}
