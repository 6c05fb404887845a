package main

import "github.com/chronik/chronik/interop/kafka"

// kafkaLine is the command line of one of Kafka's tools against the broker.
func (s *suiteRun) kafkaLine(name string, args ...string) line {
	return s.tools.kafka.Line(s.broker.addr, kafka.Tool{Name: name, Args: args})
}

// kafka runs a tool that must succeed and returns what it printed.
func (c *check) kafka(name string, args ...string) string { return c.Exec(c.kafkaLine(name, args...)) }

// kafkaFails runs a tool that must fail and returns all that it printed.
func (c *check) kafkaFails(name string, args ...string) string {
	return c.Fails(c.kafkaLine(name, args...))
}

// produce sends lines to a topic with the console producer.
func (c *check) produce(topic, lines string, args ...string) {
	args = append([]string{"--topic", topic}, args...)
	c.Exec(c.tools.kafka.Line(c.broker.addr, kafka.Tool{Name: "console-producer", Args: args, Stdin: lines}))
}

// createTopic creates a topic with Kafka's tool.
func (c *check) createTopic(topic string, args ...string) {
	out := c.kafka("topics", append([]string{"--create", "--topic", topic}, args...)...)
	c.Matches(out, "^Created topic "+topic+`\.$`)
}

// consume reads count records of a topic from its beginning with the console
// consumer, and fails if there are fewer within ten seconds.
func (c *check) consume(topic, count string, args ...string) string {
	return c.kafka("console-consumer", append([]string{"--topic", topic, "--max-messages", count,
		"--timeout-ms", "10000", "--from-beginning"}, args...)...)
}

func runKafkaTools(s *suiteRun) {
	s.check("class data for the JVMs", func(c *check) { c.NoError(c.tools.kafka.MakeArchive(c.Ctx, c.broker.addr)) })
	clusterChecks(s)
	topicChecks(s)
	configChecks(s)
	recordChecks(s)
	offsetChecks(s)
	groupChecks(s)
	loadChecks(s)
	seedDumpLog(s)
}
