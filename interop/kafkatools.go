package main

import (
	"os"
	"path/filepath"
)

// toolClasses are Kafka's command-line tools; the names are those of its scripts.
func toolClasses() map[string]string {
	const tools = "org.apache.kafka.tools."
	return map[string]string{
		"broker-api-versions": tools + "BrokerApiVersionsCommand",
		"cluster":             tools + "ClusterTool",
		"configs":             "kafka.admin.ConfigCommand",
		"console-consumer":    tools + "consumer.ConsoleConsumer",
		"console-producer":    tools + "ConsoleProducer",
		"consumer-groups":     tools + "consumer.group.ConsumerGroupCommand",
		"consumer-perf-test":  tools + "ConsumerPerformance",
		"delete-records":      tools + "DeleteRecordsCommand",
		"dump-log":            tools + "DumpLogSegments",
		"e2e-latency":         tools + "EndToEndLatency",
		"get-offsets":         tools + "GetOffsetShell",
		"groups":              tools + "GroupsCommand",
		"log-dirs":            tools + "LogDirsCommand",
		"metadata-quorum":     tools + "MetadataQuorumCommand",
		"producer-perf-test":  tools + "ProducerPerformance",
		"topics":              tools + "TopicCommand",
		"verifiable-consumer": tools + "VerifiableConsumer",
		"verifiable-producer": tools + "VerifiableProducer",
	}
}

// tool is one run of one of Kafka's tools.
type tool struct {
	name  string
	args  []string
	stdin string
	// local tools read files and know no broker.
	local bool
	// javaArgs are for the JVM.
	javaArgs []string
}

// command builds the command line: a small heap, the quick compiler only, and
// shared class data where we have them.
func (t *tools) command(b *broker, run tool) command {
	args := append(t.java(), run.javaArgs...)
	args = append(args, "-cp", filepath.Join(t.kafkaJars, "*"), toolClasses()[run.name])
	switch {
	case run.local:
		args = append(args, run.args...)
	case run.name == "cluster": // alone in taking the server after its subcommand
		args = append(append(args, run.args...), "--bootstrap-server", b.addr)
	default:
		args = append(append(args, "--bootstrap-server", b.addr), run.args...)
	}
	title := run.name
	for _, a := range run.args {
		title += " " + a
	}
	return command{name: title, args: args, stdin: run.stdin}
}

// javaWithout is java without shared class data, which fits one set of jars only.
func (t *tools) javaWithout() []string {
	return []string{"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:cds=off", "-Xlog:cds+dynamic=off",
		"-Dlog4j2.configurationFile=" + filepath.Join(t.sources, "kafka", "log4j2.properties")}
}

func (t *tools) java() []string {
	args := t.javaWithout()
	if exists(t.jvmArchive) {
		args = append(args, "-XX:SharedArchiveFile="+t.jvmArchive)
	}
	return args
}

// kafka runs a tool that must succeed and returns what it printed.
func (c *check) kafka(name string, args ...string) string {
	return c.exec(c.tools.command(c.broker, tool{name: name, args: args}))
}

// produce sends lines to a topic with the console producer.
func (c *check) produce(topic, lines string, args ...string) {
	args = append([]string{"--topic", topic}, args...)
	c.exec(c.tools.command(c.broker, tool{name: "console-producer", args: args, stdin: lines}))
}

// kafkaFails runs a tool that must fail and returns all that it printed.
func (c *check) kafkaFails(name string, args ...string) string {
	out := c.anyCode(c.tools.command(c.broker, tool{name: name, args: args}))
	if out.code == 0 {
		c.failf("%s: exit code 0, want a failure", name)
	}
	return out.stdout + out.stderr
}

// createTopic creates a topic with Kafka's tool.
func (c *check) createTopic(topic string, args ...string) {
	out := c.kafka("topics", append([]string{"--create", "--topic", topic}, args...)...)
	c.matches(out, "^Created topic "+topic+`\.$`)
}

// consume reads count records of a topic from its beginning with the console
// consumer, and fails if there are fewer within ten seconds.
func (c *check) consume(topic, count string, args ...string) string {
	return c.kafka("console-consumer", append([]string{"--topic", topic, "--max-messages", count,
		"--timeout-ms", "10000", "--from-beginning"}, args...)...)
}

func runKafkaTools(s *suiteRun) {
	s.check("class data for the JVMs", func(c *check) {
		if exists(c.tools.jvmArchive) {
			return
		}
		// Renamed when whole: another suite's JVM may start meanwhile.
		part := c.tools.jvmArchive + ".part"
		c.exec(c.tools.command(c.broker, tool{name: "topics", args: []string{"--list"},
			javaArgs: []string{"-XX:ArchiveClassesAtExit=" + part}}))
		c.noError(os.Rename(part, c.tools.jvmArchive))
	})
	clusterChecks(s)
	topicChecks(s)
	configChecks(s)
	recordChecks(s)
	offsetChecks(s)
	groupChecks(s)
	loadChecks(s)
	seedDumpLog(s)
}
