package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/chronik/chronik/interop/kafka"
)

// configChecks drive Kafka's configs tool.
func configChecks(s *suiteRun) {
	topic := s.topic("configs")
	of := func(entity, name string, args ...string) []string {
		return append([]string{"--entity-type", entity, "--entity-name", name}, args...)
	}
	s.check("configs: a topic's settings with their synonyms", func(c *check) {
		c.createTopic(topic)
		c.kafka("configs", of("topics", topic, "--alter", "--add-config", "retention.ms=60000,cleanup.policy=[compact,delete]")...)
		c.Matches(c.kafka("configs", of("topics", topic, "--describe")...),
			`^  cleanup\.policy=compact,delete sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:cleanup\.policy=compact,delete, DEFAULT_CONFIG:log\.cleanup\.policy=delete\}$`,
			`^  retention\.ms=60000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:retention\.ms=60000\b`)
		all := c.kafka("configs", of("topics", topic, "--describe", "--all")...)
		c.Matches(all, `^  segment\.bytes=1073741824 sensitive=false synonyms=\{DEFAULT_CONFIG:log\.segment\.bytes=1073741824\}$`,
			`^  max\.message\.bytes=1048588 `, fmt.Sprintf(`^  min\.insync\.replicas=%d `, c.broker.replicas()/2+1), `^  compression\.type=producer `)
	})
	s.check("configs: a topic's setting deleted", func(c *check) {
		c.kafka("configs", of("topics", topic, "--alter", "--delete-config", "cleanup.policy,retention.ms")...)
		c.Lacks(c.kafka("configs", of("topics", topic, "--describe")...), `retention\.ms`, `cleanup\.policy=compact`)
		c.Matches(c.kafka("configs", of("topics", topic, "--describe", "--all")...), `^  retention\.ms=604800000 `, `^  cleanup\.policy=delete `)
	})
	s.check("configs: what is refused", func(c *check) {
		c.Matches(c.kafkaFails("configs", of("topics", topic, "--alter", "--add-config", "retention.ms=abc")...),
			`InvalidConfigurationException: .*retention\.ms`)
		c.Matches(c.kafkaFails("configs", of("topics", topic, "--alter", "--add-config", "no.such.setting=1")...),
			`InvalidConfigurationException: .*no\.such\.setting`)
		c.Matches(c.kafkaFails("configs", of("topics", s.topic("absent"), "--alter", "--add-config", "retention.ms=1000")...),
			`UnknownTopicOrPartitionException`)
		c.Lacks(c.kafka("configs", of("topics", topic, "--describe")...), `retention\.ms`)
	})
	s.check("configs: cluster-wide message.max.bytes reaches brokers and topics", func(c *check) {
		brokers := []string{"--entity-type", "brokers", "--entity-default"}
		c.kafka("configs", append(brokers, "--alter", "--add-config", "message.max.bytes=1048599")...)
		c.Matches(c.kafka("configs", append(brokers, "--describe")...),
			`^  message\.max\.bytes=1048599 sensitive=false synonyms=\{DYNAMIC_DEFAULT_BROKER_CONFIG:message\.max\.bytes=1048599`)
		c.Matches(c.kafka("configs", of("topics", topic, "--describe", "--all")...),
			`^  max\.message\.bytes=1048599 .*DYNAMIC_DEFAULT_BROKER_CONFIG:message\.max\.bytes=1048599`)
		c.kafka("configs", append(brokers, "--alter", "--delete-config", "message.max.bytes")...)
		c.Lacks(c.kafka("configs", append(brokers, "--describe")...), `message\.max\.bytes`)
	})
	s.check("configs: one broker's setting", func(c *check) {
		id := c.brokerID()
		c.kafka("configs", of("brokers", id, "--alter", "--add-config", "message.max.bytes=1048600")...)
		c.Matches(c.kafka("configs", of("brokers", id, "--describe")...),
			`^  message\.max\.bytes=1048600 sensitive=false synonyms=\{DYNAMIC_BROKER_CONFIG:message\.max\.bytes=1048600`)
		c.kafka("configs", of("brokers", id, "--alter", "--delete-config", "message.max.bytes")...)
		all := c.kafka("configs", of("brokers", id, "--describe", "--all")...)
		c.Matches(all, `^  message\.max\.bytes=1048588 .*DEFAULT_CONFIG:message\.max\.bytes=1048588`, `^  num\.partitions=1 `)
	})
	s.check("configs: a broker's read-only setting", func(c *check) {
		out := c.kafkaFails("configs", of("brokers", c.brokerID(), "--alter", "--add-config", "log.dirs=/tmp")...)
		c.Matches(out, `InvalidRequestException|InvalidConfigurationException|Cannot update these configs dynamically`)
	})
	s.check("configs: max.message.bytes takes effect", func(c *check) {
		c.kafka("configs", of("topics", topic, "--alter", "--add-config", "max.message.bytes=2000")...)
		out := c.AnyCode(c.tools.kafka.Line(c.broker.addr, kafka.Tool{Name: "console-producer", Args: []string{"--topic", topic},
			Stdin: strings.Repeat("x", 4000) + "\n"}))
		c.Matches(out.All(), `RecordTooLargeException`)
		c.produce(topic, "small\n")
		c.SameLines(c.consume(topic, "1"), "small")
	})
}

// brokerID asks for the id of a broker.
func (c *check) brokerID() string {
	m := regexp.MustCompile(`\(id: (\d+) rack`).FindStringSubmatch(c.kafka("broker-api-versions"))
	if m == nil {
		c.Failf("no broker id")
	}
	return m[1]
}
