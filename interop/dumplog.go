package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/kafka"
)

// dumpRecords is how many records the topic for dump-log gets, in segments of a
// mebibyte each, so that there are closed ones, with indexes and producer state.
const dumpRecords = 20_000

// seedDumpLog leaves the topics that runDumpLog and runRestart look for.
func seedDumpLog(s *suiteRun) {
	s.check("records in several segments, for dump-log", func(c *check) {
		topic := c.topic("dump")
		c.createTopic(topic, "--config", "segment.bytes=1048576", "--config", "index.interval.bytes=1024")
		c.kafka("producer-perf-test", "--topic", topic, "--num-records", fmt.Sprint(dumpRecords), "--record-size", "200", "--throughput", "-1",
			"--command-property", "acks=all", "--command-property", "batch.size=8192")
		c.produce(topic, "h:v\tkey\tvalue\n", "--compression-codec", "zstd",
			"--reader-property", "parse.key=true", "--reader-property", "parse.headers=true")
		c.consume(topic, "50", "--group", topic)
	})
}

// runDumpLog lets Kafka's dump-log judge the files that the broker leaves when stopped.
func runDumpLog(s *suiteRun) {
	s.check("broker stops", func(c *check) { c.NoError(c.broker.stop()) })
	segments := func(c *check, suffix string) []string {
		files, err := filepath.Glob(filepath.Join(latestDump(c), "*"+suffix))
		c.NoError(err)
		if len(files) < 2 {
			c.Failf("%d files %s of topic interop-*-dump in %s, want 2 or more", len(files), suffix, c.broker.dataDir)
		}
		return files
	}
	s.check(".log: every batch valid, every record there", func(c *check) {
		out := c.dumpLog("--deep-iteration", "--files", strings.Join(segments(c, ".log"), ","))
		c.Lacks(out, `isvalid: false`, `^Found `, `Missing offset`, `Non-consecutive`)
		c.Equal("records", len(regexp.MustCompile(`(?m)^\| offset: \d+ `).FindAllString(out, -1)), dumpRecords+1)
		c.Matches(out, `^baseOffset: 0 lastOffset: .* baseSequence: 0 .* producerId: \d+ producerEpoch: 0 partitionLeaderEpoch: \d+ .*isvalid: true$`)
	})
	s.check(".log: keys, values and headers are printed", func(c *check) {
		files := segments(c, ".log")
		out := c.dumpLog("--print-data-log", "--files", files[len(files)-1])
		c.Matches(out, `compresscodec: zstd`, `^\| offset: 20000 .* keySize: 3 valueSize: 5 .*headerKeys: \[h\] key: key payload: value$`)
	})
	s.check(".index and .timeindex: sane, and true of the log", func(c *check) {
		for _, suffix := range []string{".index", ".timeindex"} {
			files := strings.Join(segments(c, suffix), ",")
			sane := c.dumpLog("--index-sanity-check", "--files", files)
			c.Matches(sane, `passed sanity check`)
			out := c.dumpLog("--verify-index-only", "--files", files)
			c.Lacks(out, `Mismatches in`, `Found timestamp mismatch`, `Found out of order`, `Index .* corrupt`, `Exception`)
			entries := c.dumpLog("--files", segments(c, suffix)[0])
			c.Matches(entries, `^(timestamp: \d+ )?offset: \d{2,}`)
		}
	})
	s.check(".snapshot: producer state", func(c *check) {
		out := c.dumpLog("--files", strings.Join(segments(c, ".snapshot"), ","))
		c.Matches(out, `^producerId: \d+ producerEpoch: 0 .*lastSequence: \d+ lastOffset: \d+`)
	})
	s.check("__consumer_offsets: Kafka's own records", offsetsTopic)
	s.check("leader-epoch-checkpoint: Kafka's own form", func(c *check) {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(segments(c, ".log")[0]), "leader-epoch-checkpoint"))
		c.NoError(err)
		c.Matches(string(data), `\A0\n1\n\d+ 0\n\z`)
	})
}

// latestDump finds the directory of the youngest topic that seedDumpLog made.
func latestDump(c *check) string {
	dirs, err := filepath.Glob(filepath.Join(c.broker.dataDir, "interop-*-dump-0"))
	c.NoError(err)
	var latest string
	var at time.Time
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		c.NoError(err)
		if info.ModTime().After(at) {
			latest, at = dir, info.ModTime()
		}
	}
	if latest == "" {
		c.Failf("no topic interop-*-dump in %s", c.broker.dataDir)
	}
	return latest
}

// offsetsTopic decodes all of __consumer_offsets and looks for the group of seedDumpLog.
func offsetsTopic(c *check) {
	files, err := filepath.Glob(filepath.Join(c.broker.dataDir, "__consumer_offsets-*", "*.log"))
	c.NoError(err)
	var filled []string
	for _, f := range files {
		info, err := os.Stat(f)
		c.NoError(err)
		if info.Size() > 0 {
			filled = append(filled, f)
		}
	}
	if filled == nil {
		c.Failf("no records in %d segments of __consumer_offsets", len(files))
	}
	out := c.dumpLog("--offsets-decoder", "--files", strings.Join(filled, ","))
	c.Lacks(out, `isvalid: false`)
	c.Matches(out,
		`key: \{"type":"1","data":\{"group":"interop-\w+-kafka-tools-dump","topic":"interop-\w+-kafka-tools-dump","partition":0\}\} payload: \{"version":"\d+","data":\{"offset":50,`,
		`key: \{"type":"2","data":\{"group":"interop-\w+-kafka-tools-dump"\}\} payload: .*"protocolType":"consumer".*"protocol":"range".*"clientHost":"/127\.0\.0\.1".*"topics":\["interop-\w+-kafka-tools-dump"\]`,
		`"data":\{"group":"interop-\w+-kafka-tools-group"\}\} payload: <DELETE>`)
}

// dumpLog runs dump-log; it prints much, of which a report wants only the end.
func (c *check) dumpLog(args ...string) string {
	return c.Exec(c.tools.kafka.Line("", kafka.Tool{Name: "dump-log", Args: args, Local: true}))
}

// runRestart starts the stopped broker anew and compares what it serves.
func runRestart(s *suiteRun) {
	if !s.broker.owned {
		s.check("broker restarts", func(c *check) { c.Failf("needs a broker of its own") })
		return
	}
	var before string
	topics := "interop-.*"
	s.check("broker restarts", func(c *check) {
		c.NoError(c.broker.ensureStarted(c.Ctx))
		before = c.kafka("get-offsets", "--topic", topics)
		c.NoError(c.broker.stop())
		c.NoError(c.broker.start(c.Ctx))
	})
	s.check("every partition ends where it did", func(c *check) {
		c.Matches(before, `dump:0:20001$`)
		c.Equal("offsets", c.kafka("get-offsets", "--topic", topics), before)
	})
	s.check("records and keys are as produced", func(c *check) {
		topic := regexp.MustCompile(`interop-\w+-kafka-tools-dump`).FindString(before)
		out := c.kafka("console-consumer", "--topic", topic, "--partition", "0", "--offset", "20000", "--max-messages", "1", "--timeout-ms", "10000",
			"--formatter-property", "print.key=true", "--formatter-property", "print.headers=true")
		c.SameLines(out, "h:v\tkey\tvalue")
	})
	s.check("a group goes on where it committed", func(c *check) {
		topic := regexp.MustCompile(`interop-\w+-kafka-tools-dump`).FindString(before)
		out := c.kafka("console-consumer", "--topic", topic, "--group", topic, "--max-messages", "1", "--timeout-ms", "10000",
			"--formatter-property", "print.offset=true")
		c.Matches(out, `^Offset:50\t`)
	})
	s.check("a topic's setting is kept", func(c *check) {
		topic := regexp.MustCompile(`interop-\w+-kafka-tools-dump`).FindString(before)
		c.Matches(c.kafka("configs", "--describe", "--entity-type", "topics", "--entity-name", topic), `^  segment\.bytes=1048576 `)
	})
}
