package main

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/command"
)

// groupChecks drive Kafka's consumer-groups tool.
func groupChecks(s *suiteRun) {
	topic, group := s.topic("groups"), s.topic("group")
	groups := func(c *check, args ...string) string {
		return c.kafka("consumer-groups", args...)
	}
	s.check("consumer-groups: describe and list an empty group", func(c *check) {
		c.createTopic(topic, "--partitions", "2")
		c.produce(topic, text(numbers(1, 20)), "--sync", "--command-property",
			"partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner")
		c.consume(topic, "20", "--group", group)
		c.Matches(groups(c, "--list"), "^"+group+"$")
		c.Matches(groups(c, "--list", "--state"), "^"+group+`\s+Empty\s*$`)
		c.Matches(groups(c, "--list", "--type"), "^"+group+`\s+Classic\s*$`)
		c.Matches(c.kafka("groups", "--list"), "^"+group+`\s+Classic\s+consumer\s*$`)
		describesGroup(c, group, topic, 10, 0)
		c.Matches(groups(c, "--describe", "--group", group, "--state"), "^"+group+`\s+(127\.0\.0\.1|localhost):\d+\s+\(\d+\)\s+(-\s+)?Empty\s+0$`)
		out := c.AnyCode(c.kafkaLine("consumer-groups", "--describe", "--group", group, "--members"))
		c.Matches(out.All(), "has no active members")
	})
	s.check("configs: a group's settings", func(c *check) {
		entity := []string{"--entity-type", "groups", "--entity-name", group}
		c.Matches(c.kafka("configs", append(entity, "--describe")...), "^Dynamic configs for group "+group+" are:$")
		out := c.kafkaFails("configs", append(entity, "--alter", "--add-config", "no.such.setting=1")...)
		c.Matches(out, `Invalid(Configuration|Request)Exception: .*no\.such\.setting`)
	})
	resets := []struct {
		name string
		args []string
		to   int
	}{
		{"to-earliest", []string{"--to-earliest"}, 0},
		{"shift-by", []string{"--shift-by", "3"}, 3},
		{"to-latest", []string{"--to-latest"}, 10},
		{"to-offset", []string{"--to-offset", "7"}, 7},
		{"to-datetime", []string{"--to-datetime", "2020-01-01T00:00:00.000"}, 0},
		{"by-duration", []string{"--by-duration", "PT24H"}, 0},
	}
	for _, r := range resets {
		s.check("consumer-groups: reset-offsets "+r.name, func(c *check) {
			out := groups(c, append(r.args, "--reset-offsets", "--group", group, "--topic", topic, "--execute")...)
			c.Matches(out, "^"+group+`\s+`+topic+`\s+0\s+\d+$`, "^"+group+`\s+`+topic+`\s+1\s+\d+$`)
			describesGroup(c, group, topic, r.to, 10-r.to)
		})
	}
	s.check("consumer-groups: members of a running group", func(c *check) { runningGroup(c, topic, s.topic("running")) })
	s.check("consumer-groups: delete offsets", func(c *check) {
		c.Matches(groups(c, "--delete-offsets", "--group", group, "--topic", topic+":1"), "^"+topic+`\s+1\s+Successful\s*$`)
		out := groups(c, "--describe", "--group", group)
		c.Matches(out, "^"+group+`\s+`+topic+`\s+0\s`)
		c.Lacks(out, "^"+group+`\s+`+topic+`\s+1\s+\d`)
	})
	s.check("consumer-groups: delete", func(c *check) {
		c.Matches(groups(c, "--delete", "--group", group), "was successful")
		c.Lacks(groups(c, "--list"), "^"+group+"$")
		out := c.AnyCode(c.kafkaLine("consumer-groups", "--delete", "--group", group))
		c.Matches(out.All(), "GroupIdNotFoundException")
	})
}

// describesGroup ends the check unless both partitions are committed at offset, with lag.
func describesGroup(c *check, group, topic string, offset, lag int) {
	out := c.kafka("consumer-groups", "--describe", "--group", group)
	row := regexp.MustCompile("(?m)^" + group + `\s+` + topic + `\s+([01])\s+(\d+)\s+10\s+(\d+)\s`)
	rows := row.FindAllStringSubmatch(out, -1)
	c.Equal("partitions described", len(rows), 2)
	for _, r := range rows {
		c.Equal("committed offset and lag of partition "+r[1], r[2]+" "+r[3], strings.Join([]string{numbers(offset, offset)[0], numbers(lag, lag)[0]}, " "))
	}
}

// runningGroup looks at a group that has a member, and finds that it cannot be deleted or reset.
func runningGroup(c *check, topic, group string) {
	ctx, cancel := context.WithCancel(c.Ctx)
	defer cancel()
	cmd := c.kafkaLine("console-consumer", "--topic", topic, "--group", group,
		"--command-property", "client.id=interop-member", "--command-property", "group.instance.id=static-1")
	ended := make(chan error, 1)
	go func() {
		_, err := command.Run(ctx, cmd)
		ended <- err
	}()
	defer func() {
		cancel()
		<-ended // cancelled, as it says
	}()
	var out string
	// Each look costs a JVM; the member needs about two of them to be there.
	for deadline := time.Now().Add(30 * time.Second); ; {
		out = c.kafka("consumer-groups", "--describe", "--group", group, "--state")
		if regexp.MustCompile(`(?m)^` + group + `\s.*\srange\s+Stable\s+1$`).MatchString(out) {
			break
		}
		if time.Now().After(deadline) {
			c.Failf("group is not stable with one member:\n%s", out)
		}
	}
	out = c.kafka("consumer-groups", "--describe", "--group", group, "--members", "--verbose")
	c.Matches(out, "^"+group+`\s+static-1-\S+\s+static-1\s+/127\.0\.0\.1\s+interop-member\s+2\s.*`+topic+`(\(|:)0,\s?1`)
	out = c.kafka("consumer-groups", "--describe", "--group", group, "--offsets")
	c.Matches(out, "^"+group+`\s+`+topic+`\s+0\s+\S+\s+10\s+\S+\s+static-1-\S+\s+/127\.0\.0\.1\s+interop-member`)
	refused := c.AnyCode(c.kafkaLine("consumer-groups", "--delete", "--group", group))
	c.Matches(refused.All(), "GroupNotEmptyException")
	refused = c.AnyCode(c.kafkaLine("consumer-groups", "--reset-offsets", "--to-earliest", "--group", group, "--topic", topic, "--execute"))
	c.Matches(refused.All(), `only be reset if the group .*is inactive|current state is Stable`)
}
