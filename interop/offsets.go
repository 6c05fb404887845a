package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// offsetChecks ask for offsets in all ways, and delete records.
func offsetChecks(s *suiteRun) {
	topic := s.topic("offsets")
	at := func(p0, p1 int) []string {
		return []string{fmt.Sprintf("%s:0:%d", topic, p0), fmt.Sprintf("%s:1:%d", topic, p1)}
	}
	s.check("get-offsets: the special times", func(c *check) {
		c.createTopic(topic, "--partitions", "2")
		c.produce(topic, text(numbers(1, 20)), "--sync", "--command-property",
			"partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner")
		for _, time := range []string{"-1", "latest"} {
			c.SameLines(c.kafka("get-offsets", "--topic", topic, "--time", time), at(10, 10)...)
		}
		for _, time := range []string{"-2", "earliest", "-4", "earliest-local", "0"} {
			c.SameLines(c.kafka("get-offsets", "--topic", topic, "--time", time), at(0, 0)...)
		}
		// Each record was a request of its own, so that the last one is the latest.
		for _, time := range []string{"-3", "max-timestamp"} {
			c.Matches(c.kafka("get-offsets", "--topic", topic, "--time", time), "^"+topic+`:0:\d$`, "^"+topic+`:1:\d$`)
		}
		// Nothing is tiered: no offset, which the tool prints as no line.
		for _, time := range []string{"-5", "latest-tiered", "-6", "earliest-pending-upload"} {
			c.Equal("offsets at "+time, c.kafka("get-offsets", "--topic", topic, "--time", time), "")
		}
	})
	s.check("get-offsets: a time after the last record, partitions by pattern", func(c *check) {
		c.SameLines(c.kafka("get-offsets", "--topic-partitions", topic+":1"), at(10, 10)[1])
		out := c.kafka("get-offsets", "--topic", topic, "--time", "32503680000000")
		c.Lacks(out, `:\d+:[1-9]`)
	})
	s.check("get-offsets: internal topics on demand", func(c *check) {
		c.Lacks(c.kafka("get-offsets", "--exclude-internal-topics"), "^__consumer_offsets:")
	})
	s.check("delete-records", func(c *check) {
		request := filepath.Join(c.tools.Cache, "delete-records-"+c.broker.runID+".json")
		defer os.Remove(request)
		deleteTo := func(offset int) string {
			json := fmt.Sprintf(`{"version":1,"partitions":[{"topic":%q,"partition":0,"offset":%d}]}`, topic, offset)
			c.NoError(os.WriteFile(request, []byte(json), 0o600))
			return c.kafka("delete-records", "--offset-json-file", request)
		}
		c.Matches(deleteTo(4), `^partition: `+topic+`-0\s+low_watermark: 4$`)
		c.SameLines(c.kafka("get-offsets", "--topic", topic, "--time", "earliest"), at(4, 0)...)
		c.Matches(c.consume(topic, "6", "--formatter-property", "print.offset=true", "--partition", "0"), `^Offset:4\t`)
		c.Matches(deleteTo(-1), `low_watermark: 10$`)
		c.SameLines(c.kafka("get-offsets", "--topic", topic, "--time", "earliest"), at(10, 0)...)
		c.Matches(deleteTo(99), `OffsetOutOfRangeException`)
	})
}
