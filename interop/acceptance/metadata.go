package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
)

// anything is what may be said, as long as all say the same.
func anything(string) error { return nil }

// hasLine demands a line of a form.
func hasLine(pattern string) func(string) error {
	return func(text string) error {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
			return fmt.Errorf("no match of %s in\n%s", pattern, text)
		}
		return nil
	}
}

// metadataPhase: nodes in any order form one cluster, and whichever is asked has the
// same topics, leaders and settings.
func metadataPhase(s *stage) {
	s.check("three nodes, started 3 2 1, become one cluster", func(c *check) {
		for _, n := range s.cluster.Nodes {
			c.Note("$ " + n.CommandLine())
		}
		c.NoError(s.cluster.Start(s.Ctx, 3, 2))
		c.NoError(s.cluster.Start(s.Ctx, 1))
		_, err := s.view.AwaitController(s.Ctx, 1, 2, 3)
		c.NoError(err)
	})
	s.check("class data for the JVMs", func(c *check) { c.NoError(s.tools.MakeArchive(s.Ctx, s.cluster.Nodes[0].Addr)) })
	s.check("metadata-quorum --status: one leader, three voters, on each node", quorumStatus)
	s.check("metadata-quorum --replication: a leader and two followers, on each node", quorumReplication)
	s.check("log: one node is Raft's leader, two are followers", raftStates)
	for _, n := range s.cluster.Nodes {
		s.check(fmt.Sprintf("a topic created through node %d is everywhere", n.ID), func(c *check) { createThrough(c, n) })
	}
	s.check("leaders are spread over the nodes", func(c *check) {
		led := map[int]int{}
		for _, p := range c.whole(topicThrough(s.cluster.Nodes[0])) {
			led[p.Leader]++
		}
		c.Equal("partitions led, by node", led, map[int]int{1: 2, 2: 2, 3: 2})
	})
	s.check("a setting altered through node 2 is everywhere", func(c *check) {
		entity := []string{"--entity-type", "topics", "--entity-name", topicThrough(s.cluster.Nodes[0])}
		c.kafka(s.cluster.Nodes[1], "configs", append(entity, "--alter", "--add-config", "retention.ms=3600000")...)
		c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "configs", append(entity, "--describe")...) },
			hasLine(`^ *retention\.ms=3600000 .*DYNAMIC_TOPIC_CONFIG:retention\.ms=3600000`))
	})
	s.check("partitions added through node 3 are everywhere", func(c *check) {
		topic := topicThrough(s.cluster.Nodes[0])
		c.kafka(s.cluster.Nodes[2], "topics", "--alter", "--topic", topic, "--partitions", "9")
		c.whole(topic)
		c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "topics", "--describe", "--topic", topic) },
			hasLine(`^Topic: `+topic+`\t.*PartitionCount: 9\t`))
	})
	s.check("a topic deleted through node 1 is gone everywhere", func(c *check) {
		topic := topicThrough(s.cluster.Nodes[1])
		c.kafka(s.cluster.Nodes[0], "topics", "--delete", "--topic", topic)
		c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "topics", "--list") }, func(list string) error {
			if strings.Contains(list, topic) {
				return errors.New(topic + " is still there")
			}
			return nil
		})
	})
}

func quorumStatus(c *check) {
	var first []string
	shown := regexp.MustCompile(`(?m)^(?:ClusterId|LeaderId|LeaderEpoch):\s+\S+$`)
	for _, n := range c.cluster.Nodes {
		out := c.kafka(n, "metadata-quorum", "describe", "--status")
		c.Matches(out, `^ClusterId:\s+\S{22}$`, `^LeaderId:\s+[123]$`, `^LeaderEpoch:\s+\d+$`, `^HighWatermark:\s+[1-9]\d*$`,
			`^CurrentVoters:\s+\[.*"id": ?1\b.*"id": ?2\b.*"id": ?3\b.*\]$`)
		said := shown.FindAllString(out, -1)
		if first == nil {
			first = said
		}
		c.Equal(fmt.Sprintf("cluster, leader and epoch on node %d", n.ID), said, first)
	}
}

func quorumReplication(c *check) {
	row := regexp.MustCompile(`(?m)^([123])\s+\S{22}\s+\d+\s+\d+\s+\S+\s+\S+\s+(Leader|Follower)\s*$`)
	for _, n := range c.cluster.Nodes {
		roles := map[string]int{}
		for _, m := range row.FindAllStringSubmatch(c.kafka(n, "metadata-quorum", "describe", "--replication"), -1) {
			roles[m[2]]++
		}
		c.Equal(fmt.Sprintf("roles on node %d", n.ID), roles, map[string]int{"Follower": 2, "Leader": 1})
	}
}

// raftStates looks at the last state that each node has logged.
func raftStates(c *check) {
	states := map[any]int{}
	for _, n := range c.cluster.Nodes {
		lines := c.logged(n, "Raft state")
		if len(lines) == 0 {
			c.Failf("node %d has not logged its state", n.ID)
		}
		last := lines[len(lines)-1]
		states[last.attrs["state"]]++
		if _, ok := last.attrs["term"].(float64); !ok {
			c.Failf("no term in %v", last.attrs)
		}
	}
	c.Equal("states", states, map[any]int{"Follower": 2, "Leader": 1})
}

func topicThrough(n *cluster.Node) string { return fmt.Sprint("through-", n.ID) }

// createThrough creates a topic of six partitions through a node, with as many replicas
// as that are by default, and has all describe it.
func createThrough(c *check, n *cluster.Node) {
	topic := topicThrough(n)
	c.Matches(c.kafka(n, "topics", "--create", "--topic", topic, "--partitions", "6"), "^Created topic "+topic+`\.$`)
	c.whole(topic)
	out := c.everywhere(func(n *cluster.Node) string { return c.kafka(n, "topics", "--describe", "--topic", topic) }, anything)
	c.Matches(out, `^Topic: `+topic+`\tTopicId: \S{22}\tPartitionCount: 6\tReplicationFactor: 3\t`)
	for p := range 6 {
		c.Matches(out, fmt.Sprintf(`^\tTopic: %s\tPartition: %d\tLeader: [123]\tReplicas: [123],[123],[123]\tIsr: [123],[123],[123]\b`, topic, p))
	}
}
