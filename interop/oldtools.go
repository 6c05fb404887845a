package main

import (
	"context"
	"strings"

	"github.com/chronik/chronik/interop/kafka"
)

// oldKafkaVersion is the last release line before Kafka 4, whose clients and tools many still
// run.
const oldKafkaVersion = "3.9.1"

func installOldKafka(ctx context.Context, t *tools) (err error) {
	t.oldKafka, err = kafka.InstallVersion(ctx, t.Place, oldKafkaVersion)
	return err
}

// oldKafka runs a tool of the older release and returns what it printed.
func (c *check) oldKafka(stdin, name string, args ...string) string {
	return c.Exec(c.tools.oldKafka.Line(c.broker.addr, kafka.Tool{Name: name, Args: args, Stdin: stdin}))
}

// runOldKafkaTools drives the tools of a Kafka before 4, whose requests have older versions.
func runOldKafkaTools(s *suiteRun) {
	topic, group := s.topic("topic"), s.topic("group")
	s.check("topics: create, describe, more partitions", func(c *check) {
		c.Matches(c.oldKafka("", "topics", "--create", "--topic", topic, "--partitions", "2", "--config", "retention.ms=3600000"), "^Created topic "+topic)
		c.oldKafka("", "topics", "--alter", "--topic", topic, "--partitions", "3")
		c.describesTopic(c.oldKafka("", "topics", "--describe", "--topic", topic), topic, 3, c.broker.replicas())
	})
	s.check("configs: alter and describe", func(c *check) {
		entity := []string{"--entity-type", "topics", "--entity-name", topic}
		c.oldKafka("", "configs", append(entity, "--alter", "--add-config", "segment.ms=60000")...)
		c.Matches(c.oldKafka("", "configs", append(entity, "--describe")...), `^  segment\.ms=60000 .*DYNAMIC_TOPIC_CONFIG:segment\.ms=60000`)
	})
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		s.check("console: produce and consume, "+codec, func(c *check) {
			name := c.topic("codec-" + codec)
			c.oldKafka("h:v\tk\tone\nh:v\tk\ttwo\n", "console-producer", "--topic", name, "--compression-codec", codec,
				"--property", "parse.key=true", "--property", "parse.headers=true")
			out := c.oldKafka("", "console-consumer", "--topic", name, "--from-beginning", "--max-messages", "2", "--timeout-ms", "10000",
				"--property", "print.key=true", "--property", "print.headers=true")
			c.Equal("records", out, "h:v\tk\tone\nh:v\tk\ttwo\n")
		})
	}
	s.check("producer-perf-test, get-offsets", func(c *check) {
		out := c.oldKafka("", "producer-perf-test", "--topic", topic, "--num-records", "10000", "--record-size", "100", "--throughput", "-1",
			"--producer-props", "bootstrap.servers="+c.broker.addr, "acks=all")
		c.Matches(out, `^10000 records sent, `)
		var total int
		for line := range strings.Lines(c.oldKafka("", "get-offsets", "--topic", topic)) {
			fields := strings.Split(strings.TrimSpace(line), ":")
			total += c.Number(fields[len(fields)-1])
		}
		c.Equal("records", total, 10_000)
	})
	s.check("consumer-groups: commit, describe, reset, delete", func(c *check) {
		c.oldKafka("", "console-consumer", "--topic", topic, "--group", group, "--from-beginning", "--max-messages", "10000", "--timeout-ms", "10000")
		c.Matches(c.oldKafka("", "consumer-groups", "--describe", "--group", group), "^"+group+`\s+`+topic+`\s+\d\s+(\d+)\s+(\d+)\s+0\s`)
		out := c.oldKafka("", "consumer-groups", "--reset-offsets", "--to-earliest", "--group", group, "--topic", topic, "--execute")
		c.Matches(out, group+`\s+`+topic+`\s+0\s+0\b`)
		c.Matches(c.oldKafka("", "consumer-groups", "--delete", "--group", group), "was successful")
	})
	s.check("topics: delete", func(c *check) {
		c.oldKafka("", "topics", "--delete", "--topic", topic)
		c.Lacks(c.oldKafka("", "topics", "--list"), "^"+topic+"$")
	})
}
