package main

import (
	"fmt"
	"strings"
)

// recordChecks produce and consume with the console tools.
func recordChecks(s *suiteRun) {
	s.check("console: keys, values, headers, timestamps", func(c *check) {
		topic := c.topic("keys")
		c.createTopic(topic)
		c.produce(topic, "h1:v1,h2:v2\tk1\tone\nh1:v1\tk2\ttwo\nNULL\tNULL\tthree\n",
			"--reader-property", "parse.key=true", "--reader-property", "parse.headers=true", "--reader-property", "null.marker=NULL")
		out := c.consume(topic, "3", "--formatter-property", "print.key=true", "--formatter-property", "print.headers=true",
			"--formatter-property", "print.offset=true", "--formatter-property", "print.timestamp=true", "--formatter-property", "print.partition=true")
		c.Matches(out, `^CreateTime:\d{13}\tPartition:0\tOffset:0\th1:v1,h2:v2\tk1\tone$`,
			`\tOffset:1\th1:v1\tk2\ttwo$`, `\tOffset:2\tNO_HEADERS\tnull\tthree$`)
	})
	for _, acks := range []string{"-1", "1", "0"} {
		s.check("console: acks="+acks, func(c *check) {
			topic := c.topic("acks" + acks)
			c.createTopic(topic)
			args := []string{"--request-required-acks", acks}
			if acks != "-1" {
				args = append(args, "--command-property", "enable.idempotence=false")
			}
			c.produce(topic, text(numbers(1, 500)), args...)
			c.Equal("records in order", c.consume(topic, "500"), text(numbers(1, 500)))
		})
	}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		s.check("console: compression "+codec, func(c *check) { consoleCodec(c, codec) })
	}
	s.check("console: compression.type of the topic recompresses", func(c *check) {
		topic := c.topic("recompress")
		c.createTopic(topic, "--config", "compression.type=lz4")
		c.produce(topic, text(numbers(1, 500)), "--compression-codec", "gzip")
		c.Equal("records in order", c.consume(topic, "500"), text(numbers(1, 500)))
	})
	s.check("console: one partition from an offset", func(c *check) {
		topic := c.topic("from")
		c.createTopic(topic, "--partitions", "2")
		c.produce(topic, text(numbers(1, 10)), "--sync", "--command-property",
			"partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner")
		out := c.kafka("console-consumer", "--topic", topic, "--partition", "1", "--offset", "2",
			"--max-messages", "3", "--timeout-ms", "10000", "--formatter-property", "print.offset=true")
		c.Matches(out, `^Offset:2\t`, `^Offset:3\t`, `^Offset:4\t`)
	})
	s.check("console: a group goes on where it committed", func(c *check) {
		topic, group := c.topic("resume"), c.topic("resume")
		c.createTopic(topic)
		c.produce(topic, text(numbers(1, 12)))
		c.Equal("first five", c.consume(topic, "5", "--group", group), text(numbers(1, 5)))
		out := c.kafka("console-consumer", "--topic", topic, "--group", group, "--max-messages", "7", "--timeout-ms", "10000")
		c.Equal("the rest", out, text(numbers(6, 12)))
	})
	s.check("console: topics by a pattern, created by producing", func(c *check) {
		topic := c.topic("auto")
		c.produce(topic, "made\n")
		out := c.kafka("console-consumer", "--include", topic+".*", "--from-beginning", "--max-messages", "1", "--timeout-ms", "10000")
		c.SameLines(out, "made")
	})
	s.check("console: read_committed reads what is outside transactions", func(c *check) {
		topic := c.topic("committed")
		c.createTopic(topic)
		c.produce(topic, text(numbers(1, 3)))
		c.SameLines(c.consume(topic, "3", "--isolation-level", "read_committed"), numbers(1, 3)...)
	})
}

// consoleCodec produces records that compress well, and one too large for a first guess at a
// buffer's size.
func consoleCodec(c *check, codec string) {
	topic := c.topic("codec-" + codec)
	c.createTopic(topic)
	var lines []string
	for n := range 300 {
		lines = append(lines, fmt.Sprintf("%d %s", n, strings.Repeat("chronik ", n%50)))
	}
	lines = append(lines, strings.Repeat("0123456789", 30_000))
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	c.produce(topic, text(lines), "--compression-codec", codec)
	got := strings.Split(strings.TrimSuffix(c.consume(topic, fmt.Sprint(len(lines))), "\n"), "\n")
	c.Equal("records", len(got), len(lines))
	for i := range lines {
		if got[i] != lines[i] {
			c.Failf("record %d: got %.80q, want %.80q", i, got[i], lines[i])
		}
	}
}
