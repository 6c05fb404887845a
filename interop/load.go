package main

import (
	"encoding/json"
	"regexp"
	"strings"
)

// loadChecks run the tools that produce and consume much, and check the counts.
func loadChecks(s *suiteRun) {
	topic := s.topic("perf")
	s.check("producer-perf-test", func(c *check) {
		c.createTopic(topic, "--partitions", "3")
		for _, codec := range []string{"none", "lz4"} {
			out := c.kafka("producer-perf-test", "--topic", topic, "--num-records", "50000", "--record-size", "200", "--throughput", "-1",
				"--command-property", "acks=all", "--command-property", "compression.type="+codec)
			c.Matches(out, `^50000 records sent, .* records/sec`)
			c.Lacks(out, `Exception`)
		}
		var total int
		for _, m := range regexp.MustCompile(`:\d+:(\d+)`).FindAllStringSubmatch(c.kafka("get-offsets", "--topic", topic), -1) {
			total += c.Number(m[1])
		}
		c.Equal("records", total, 100_000)
	})
	s.check("consumer-perf-test", func(c *check) {
		out := c.kafka("consumer-perf-test", "--topic", topic, "--num-records", "100000", "--timeout", "30000",
			"--group", s.topic("perf"), "--hide-header")
		fields := strings.Split(strings.TrimSpace(out), ", ")
		if len(fields) != 10 || c.Number(fields[4]) != 100_000 {
			c.Failf("not 100000 records: %q", out)
		}
	})
	s.check("e2e-latency", func(c *check) {
		out := c.kafka("e2e-latency", "--topic", s.topic("latency"), "--num-records", "200", "--record-key-size", "8",
			"--record-size", "100", "--num-headers", "1", "--producer-acks", "all")
		c.Matches(out, `^Avg latency: \d+\.\d+ ms$`, `^Percentiles: 50th = \d+`)
	})
	s.check("verifiable-producer and verifiable-consumer", func(c *check) { verifiable(c, s.topic("verifiable")) })
}

// verifiable produces with the one tool and counts with the other.
func verifiable(c *check, topic string) {
	c.createTopic(topic, "--partitions", "2")
	out := c.kafka("verifiable-producer", "--topic", topic, "--max-messages", "2000", "--acks", "-1", "--value-prefix", "7")
	c.Matches(out, `"name":"tool_data".*"sent":2000,"acked":2000`)
	c.Equal("acknowledgements", strings.Count(out, `"producer_send_success"`), 2000)
	c.Lacks(out, `producer_send_error`)
	out = c.kafka("verifiable-consumer", "--topic", topic, "--group-id", topic, "--group-protocol", "classic",
		"--max-messages", "2000", "--reset-policy", "earliest", "--enable-autocommit")
	var consumed int
	for line := range strings.Lines(out) {
		var event struct {
			Name  string
			Count int
		}
		if json.Unmarshal([]byte(line), &event) == nil && event.Name == "records_consumed" {
			consumed += event.Count
		}
	}
	c.Equal("records consumed", consumed, 2000)
	c.Matches(out, `"shutdown_complete"`)
}
