package main

import (
	"fmt"
	"strconv"
	"strings"
)

// throttles has Kafka's tool move a partition so slowly that it does not get there, move
// another one beside it and have both go fast, and clear what it has set.
func (m *moves) throttles(c *check) {
	first, second := c.topic("throttled"), c.topic("throttled-too")
	m.assignedTo(c, first, 1, 2)
	m.assignedTo(c, second, 2, 1)
	line := strings.Repeat("x", 1000)
	for _, topic := range []string{first, second} {
		c.kcat(strings.Repeat(line+"\n", 2000), "-P", "-t", topic, "-p", "0", "-X", "batch.size=20000", "-X", "topic.request.required.acks=-1")
	}
	toThird := m.assignment(c, first, [][]int{{1, 3}})
	out := m.throttled(c, toThird, 1)
	c.Matches(out, `^The inter-broker throttle limit was set to 1 B/s$`, `^Successfully started partition reassignment for `+first+`-0$`)
	m.listed(c, first, "0:1,0:2", "0:3")
	for node := 1; node <= 3; node++ {
		m.rates(c, strconv.Itoa(node), "1")
	}

	c.Matches(c.kafka("reassign-partitions", "--verify", "--reassignment-json-file", toThird), `^Reassignment of partition `+first+`-0 is still in progress\.$`)
	c.kcat(text(numbers(1, 100)), "-P", "-t", first, "-p", "0", "-X", "topic.request.required.acks=-1") // in sync are not held back
	c.Matches(c.kafka("reassign-partitions", "--list"), `^`+first+`-0: replicas: 1,3,2\. adding: 3\. removing: 2\.$`)

	beside := m.assignment(c, second, [][]int{{2, 3}})
	out = m.throttled(c, beside, 100_000_000, "--additional")
	c.Matches(out, `^The inter-broker throttle limit was set to 100000000 B/s$`)
	m.listed(c, second, "0:1,0:2", "0:3")
	m.described(c, first, [][]int{{1, 3}})
	m.described(c, second, [][]int{{2, 3}})
	out = c.kafka("reassign-partitions", "--verify", "--reassignment-json-file", beside)
	c.Matches(out, `^Reassignment of partition `+second+`-0 is completed\.$`, `^Clearing broker-level throttles on brokers 1,2,3$`, `^Clearing topic-level throttles on topic `+second+`$`)
	out = c.kafka("reassign-partitions", "--verify", "--reassignment-json-file", toThird)
	c.Matches(out, `^Clearing topic-level throttles on topic `+first+`$`)
	m.unthrottled(c, first, second)
}

// throttlesCancelled: who cancels a move clears its throttles.
func (m *moves) throttlesCancelled(c *check) {
	topic := c.topic("throttled-cancel")
	m.assignedTo(c, topic, 1, 2)
	c.kcat(strings.Repeat(strings.Repeat("x", 1000)+"\n", 2000), "-P", "-t", topic, "-p", "0", "-X", "batch.size=20000")
	file := m.assignment(c, topic, [][]int{{1, 3}})
	m.throttled(c, file, 1)
	m.listed(c, topic, "0:1,0:2", "0:3")
	out := c.kafka("reassign-partitions", "--cancel", "--reassignment-json-file", file)
	c.Matches(out, `^Successfully cancelled partition reassignment for: `+topic+`-0$`, `^Clearing topic-level throttles on topic `+topic+`$`)
	m.described(c, topic, [][]int{{1, 2}})
	m.unthrottled(c, topic)
}

// throttlesByHand: kafka-configs sets the rates of one broker and of all.
func (m *moves) throttlesByHand(c *check) {
	configs := func(args ...string) string {
		return c.kafka("configs", append([]string{"--entity-type", "brokers"}, args...)...)
	}
	const rates = "leader.replication.throttled.rate=%[1]d,follower.replication.throttled.rate=%[1]d"
	configs("--entity-name", "1", "--alter", "--add-config", fmt.Sprintf(rates, 1_000_000))
	configs("--entity-default", "--alter", "--add-config", fmt.Sprintf(rates, 2_000_000))
	m.rates(c, "1", "1000000")
	c.Matches(configs("--entity-name", "2", "--describe", "--all"), `^ *follower\.replication\.throttled\.rate=2000000 `, `^ *leader\.replication\.throttled\.rate=2000000 `)
	c.Matches(configs("--entity-default", "--describe"), `^ *leader\.replication\.throttled\.rate=2000000 sensitive=false synonyms=\{DYNAMIC_DEFAULT_BROKER_CONFIG:leader\.replication\.throttled\.rate=2000000`)
	c.Matches(c.kafkaFails("configs", "--entity-type", "brokers", "--entity-name", "1", "--alter", "--add-config", "leader.replication.throttled.rate=-1"),
		`InvalidConfigurationException`)
	const names = "leader.replication.throttled.rate,follower.replication.throttled.rate"
	configs("--entity-name", "1", "--alter", "--delete-config", names)
	configs("--entity-default", "--alter", "--delete-config", names)
	m.unthrottled(c)
}

// throttled executes a move with a throttle.
func (m *moves) throttled(c *check, file string, rate int, args ...string) string {
	args = append([]string{"--execute", "--throttle", strconv.Itoa(rate), "--reassignment-json-file", file}, args...)
	return c.kafka("reassign-partitions", args...)
}

// listed waits until a topic's settings name these replicas.
func (m *moves) listed(c *check, topic, leaders, followers string) {
	c.eventually(func() error {
		out := c.kafka("configs", "--describe", "--entity-type", "topics", "--entity-name", topic)
		for side, want := range map[string]string{"leader": leaders, "follower": followers} {
			if !strings.Contains(out, fmt.Sprintf("%s.replication.throttled.replicas=%s sensitive=false", side, want)) {
				return fmt.Errorf("%s replicas of %s are not %s:\n%s", side, topic, want, out)
			}
		}
		return nil
	})
}

// rates waits until a broker's are so.
func (m *moves) rates(c *check, node, want string) {
	c.eventually(func() error {
		out := c.kafka("configs", "--describe", "--entity-type", "brokers", "--entity-name", node)
		for _, side := range []string{"leader", "follower"} {
			if !strings.Contains(out, fmt.Sprintf("%s.replication.throttled.rate=%s sensitive=false", side, want)) {
				return fmt.Errorf("node %s's rate as a %s is not %s:\n%s", node, side, want, out)
			}
		}
		return nil
	})
}

// unthrottled waits until nothing is left of throttles.
func (m *moves) unthrottled(c *check, topics ...string) {
	c.eventually(func() error {
		var out strings.Builder
		for _, topic := range topics {
			out.WriteString(c.kafka("configs", "--describe", "--entity-type", "topics", "--entity-name", topic))
		}
		for node := 1; node <= 3; node++ {
			out.WriteString(c.kafka("configs", "--describe", "--entity-type", "brokers", "--entity-name", strconv.Itoa(node)))
		}
		if strings.Contains(out.String(), ".replication.throttled.") {
			return fmt.Errorf("throttles are left:\n%s", &out)
		}
		return nil
	})
}
