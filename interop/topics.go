package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// topicChecks drive Kafka's topics tool.
func topicChecks(s *suiteRun) {
	topic := s.topic("topics")
	s.check("topics: create with settings, list, describe", func(c *check) {
		c.createTopic(topic, "--partitions", "3", "--replication-factor", fmt.Sprint(c.broker.replicas()),
			"--config", "retention.ms=3600000", "--config", "cleanup.policy=compact")
		c.Matches(c.kafka("topics", "--list"), "^"+topic+"$")
		c.describesTopic(c.kafka("topics", "--describe", "--topic", topic), topic, 3, c.broker.replicas())
		c.Matches(c.kafka("topics", "--describe", "--topics-with-overrides"), "^Topic: "+topic+`\t.*Configs:.*\bretention\.ms=3600000\b`)
	})
	s.check("topics: describe by topic id", func(c *check) {
		out := c.kafka("topics", "--describe", "--topic", topic)
		id := regexp.MustCompile(`TopicId: (\S{22})`).FindStringSubmatch(out)
		if id == nil {
			c.Failf("no topic id in %s", out)
		}
		c.describesTopic(c.kafka("topics", "--describe", "--topic-id", id[1]), topic, 3, c.broker.replicas())
	})
	s.check("topics: describe in pages", func(c *check) {
		out := c.kafka("topics", "--describe", "--topic", topic, "--partition-size-limit-per-response", "2")
		c.describesTopic(out, topic, 3, c.broker.replicas())
	})
	s.check("topics: create again", func(c *check) {
		c.Matches(c.kafkaFails("topics", "--create", "--topic", topic), `Topic '`+topic+`' already exists\.`)
		c.kafka("topics", "--create", "--topic", topic, "--if-not-exists")
	})
	s.check("topics: more partitions, never fewer", func(c *check) {
		c.kafka("topics", "--alter", "--topic", topic, "--partitions", "5")
		c.describesTopic(c.kafka("topics", "--describe", "--topic", topic), topic, 5, c.broker.replicas())
		out := c.kafkaFails("topics", "--alter", "--topic", topic, "--partitions", "4")
		c.Matches(out, `currently has 5 partition\(s\); 4 would not be an increase`)
	})
	s.check("topics: what cannot be created", func(c *check) {
		tooMany := fmt.Sprint(c.broker.brokers + 2)
		c.Matches(c.kafkaFails("topics", "--create", "--topic", s.topic("many"), "--replication-factor", tooMany),
			`InvalidReplicationFactorException: .*replication factor of `+tooMany)
		c.Matches(c.kafkaFails("topics", "--create", "--topic", s.topic("zero"), "--partitions", "0"),
			`InvalidPartitionsException|greater than 0|larger than 0`)
		c.Matches(c.kafkaFails("topics", "--create", "--topic", "interop bad name"), `InvalidTopicException`)
		// The client knows this setting's name and type, the broker alone its range.
		c.Matches(c.kafkaFails("topics", "--create", "--topic", s.topic("bad"), "--config", "min.insync.replicas=0"), `min\.insync\.replicas`)
	})
	s.check("topics: replica assignment by hand", func(c *check) {
		out := c.kafka("topics", "--describe", "--topic", topic)
		node := regexp.MustCompile(`Leader: (\d+)`).FindStringSubmatch(out)
		if node == nil {
			c.Failf("no leader in %s", out)
		}
		c.createTopic(s.topic("assigned"), "--replica-assignment", node[1]+","+node[1])
		c.describesTopic(c.kafka("topics", "--describe", "--topic", s.topic("assigned")), s.topic("assigned"), 2, 1)
	})
	s.check("topics: delete", func(c *check) {
		c.kafka("topics", "--delete", "--topic", topic)
		c.Lacks(c.kafka("topics", "--list"), "^"+topic+"$")
		c.Matches(c.kafkaFails("topics", "--delete", "--topic", topic), "does not exist")
	})
	s.check("topics: created anew under a deleted name is empty", func(c *check) {
		name := s.topic("again")
		c.createTopic(name)
		c.produce(name, text(numbers(1, 5)))
		c.kafka("topics", "--delete", "--topic", name)
		c.createTopic(name)
		c.SameLines(c.kafka("get-offsets", "--topic", name), name+":0:0")
		c.produce(name, text(numbers(6, 8)))
		c.SameLines(c.consume(name, "3"), numbers(6, 8)...)
	})
}

// describesTopic ends the check unless out describes a topic with this many partitions,
// each led by one of its so many replicas, which are in sync.
func (c *check) describesTopic(out, topic string, partitions, replicas int) {
	c.Matches(out, fmt.Sprintf(`^Topic: %s\tTopicId: \S{22}\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: `, topic, partitions, replicas))
	for p := range partitions {
		line := fmt.Sprintf(`^\tTopic: %s\tPartition: %d\tLeader: (\d+)\tReplicas: ([\d,]+)\tIsr: ([\d,]+)\b`, topic, p)
		m := regexp.MustCompile("(?m)" + line).FindStringSubmatch(out)
		if m == nil {
			c.Failf("partition %d is not described", p)
		}
		assigned, inSync := strings.Split(m[2], ","), strings.Split(m[3], ",")
		slices.Sort(inSync)
		if len(assigned) != replicas || !slices.Contains(assigned, m[1]) || !slices.Equal(slices.Sorted(slices.Values(assigned)), inSync) {
			c.Failf("partition %d: %q is not led by one of %d replicas in sync", p, m, replicas)
		}
	}
	c.Lacks(out, fmt.Sprintf(`Partition: %d\b`, partitions))
}
