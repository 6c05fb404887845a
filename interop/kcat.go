package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/command"
)

// kcat runs kcat against the broker and returns its standard output.
func (c *check) kcat(stdin string, args ...string) string {
	all := append([]string{c.tools.kcat, "-b", c.broker.addr}, args...)
	return c.Exec(line{Name: "kcat " + strings.Join(args, " "), Args: all, Stdin: stdin})
}

func runKcat(s *suiteRun) {
	s.check("metadata", func(c *check) {
		out := c.kcat("", "-L")
		c.Matches(out, fmt.Sprintf(`^ +%d brokers:$`, c.broker.brokers), `^ +broker \d+ at (127\.0\.0\.1|localhost):\d+ \(controller\)$`)
	})
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		s.check("produce and consume, "+codec, func(c *check) {
			topic := c.topic("codec-" + codec)
			lines := text(numbers(1, 1000))
			c.kcat(lines, "-P", "-t", topic, "-z", codec, "-X", "topic.request.required.acks=-1")
			c.Equal("records", c.kcat("", "-C", "-t", topic, "-o", "beginning", "-e", "-q"), lines)
		})
	}
	for _, acks := range []string{"0", "1"} {
		s.check("acks="+acks, func(c *check) {
			topic := c.topic("acks" + acks)
			c.kcat(text(numbers(1, 100)), "-P", "-t", topic, "-X", "topic.request.required.acks="+acks)
			c.Equal("records", c.kcat("", "-C", "-t", topic, "-o", "beginning", "-c", "100", "-q"), text(numbers(1, 100)))
		})
	}
	s.check("keys, headers, tombstones, formats", func(c *check) {
		topic := c.topic("keys")
		c.kcat("k1:one\nk2:two\n", "-P", "-t", topic, "-p", "0", "-K", ":", "-H", "a=1", "-H", "b=2", "-X", "enable.idempotence=true")
		c.kcat("k1:\n", "-P", "-t", topic, "-p", "0", "-K", ":", "-Z")
		out := c.kcat("", "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", `%p %o %k %S %s %h\n`)
		c.Equal("records", out, "0 0 k1 3 one a=1,b=2\n0 1 k2 3 two a=1,b=2\n0 2 k1 -1  \n")
	})
	s.check("from an offset, from the end, from a time", kcatOffsets)
	s.check("query offsets", func(c *check) {
		topic := c.topic("query")
		c.kcat(text(numbers(1, 7)), "-P", "-t", topic, "-p", "0")
		c.Matches(c.kcat("", "-Q", "-t", topic+":0:-1"), `\[0\] offset 7$`)
		c.Matches(c.kcat("", "-Q", "-t", topic+":0:-2"), `\[0\] offset 0$`)
		c.Matches(c.kcat("", "-Q", "-t", topic+":0:"+strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)), `\[0\] offset 0$`)
	})
	s.check("a group: rebalance between two members", func(c *check) { kcatGroup(c, "range,roundrobin") })
	s.check("a group: cooperative rebalance between two members", func(c *check) { kcatGroup(c, "cooperative-sticky") })
	s.check("a group goes on where it committed", func(c *check) {
		topic := c.topic("resume")
		c.kcat(text(numbers(1, 5)), "-P", "-t", topic)
		group := []string{"-G", topic, "-q", "-e", "-X", "auto.offset.reset=earliest", topic}
		c.Equal("first run", c.kcat("", group...), text(numbers(1, 5)))
		c.kcat(text(numbers(6, 8)), "-P", "-t", topic)
		c.Equal("second run", c.kcat("", group...), text(numbers(6, 8)))
	})
}

func kcatOffsets(c *check) {
	topic := c.topic("offsets")
	c.kcat(text(numbers(1, 10)), "-P", "-t", topic, "-p", "0")
	c.Equal("from offset 4", c.kcat("", "-C", "-t", topic, "-p", "0", "-o", "4", "-e", "-q"), text(numbers(5, 10)))
	c.Equal("last three", c.kcat("", "-C", "-t", topic, "-p", "0", "-o", "-3", "-e", "-q"), text(numbers(8, 10)))
	lastOf := strings.Fields(c.kcat("", "-C", "-t", topic, "-p", "0", "-o", "9", "-e", "-q", "-f", `%T\n`))
	c.Equal("timestamps", len(lastOf), 1)
	later, err := strconv.ParseInt(lastOf[0], 10, 64)
	c.NoError(err)
	c.kcat("", "-C", "-t", topic, "-p", "0", "-o", fmt.Sprintf("s@%d", later+1), "-e", "-q")
	out := c.kcat("", "-C", "-t", topic, "-p", "0", "-o", "s@0", "-e", "-q")
	c.Equal("since the beginning of time", out, text(numbers(1, 10)))
}

// kcatGroup starts one member on four partitions, then another, and waits until
// each has two; then every record must have come once.
func kcatGroup(c *check, strategy string) {
	topic := c.topic("group-" + strategy[:5])
	group := topic
	kcatTopic(c, topic)
	ctx, cancel := context.WithCancel(c.Ctx)
	defer cancel()
	first := startMember(ctx, c, group, topic, strategy, "first")
	defer first.end(cancel)
	first.await(c, topic+" [0]")
	second := startMember(ctx, c, group, topic, strategy, "second")
	defer second.end(cancel)
	second.await(c, topic+" [")
	for p := range 4 {
		c.kcat(text(numbers(20*p+1, 20*p+20)), "-P", "-t", topic, "-p", strconv.Itoa(p))
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		got := append(first.records(c), second.records(c)...)
		if len(got) >= 80 {
			c.SameLines(strings.Join(got, "\n"), numbers(1, 80)...)
			break
		}
		if time.Now().After(deadline) {
			c.Failf("%d of 80 records came; first: %.300s\nsecond: %.300s", len(got), first.log(c), second.log(c))
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(first.records(c)) != 40 || len(second.records(c)) != 40 {
		c.Failf("the members shared the records %d to %d, want 40 each", len(first.records(c)), len(second.records(c)))
	}
}

// kcatTopic makes a topic of four partitions with an admin client at hand: kcat
// makes none itself.
func kcatTopic(c *check, topic string) {
	script := `import sys
from confluent_kafka.admin import AdminClient, NewTopic
admin = AdminClient({"bootstrap.servers": sys.argv[1]})
admin.create_topics([NewTopic(sys.argv[2], 4, int(sys.argv[3]))])[sys.argv[2]].result(20)`
	c.Exec(line{Name: "create " + topic, Args: []string{c.tools.python, "-c", script, c.broker.addr, topic, strconv.Itoa(c.broker.replicas())}})
}

// member is a kcat consumer that goes on until it is ended, writing to files.
type member struct {
	out   string
	err   string
	ended chan error
}

func startMember(ctx context.Context, c *check, group, topic, strategy, name string) *member {
	base := filepath.Join(c.tools.Cache, topic+"-"+name)
	m := &member{out: base + ".out", err: base + ".err", ended: make(chan error, 1)}
	script := fmt.Sprintf("exec %s -b %s -G %s -u -X partition.assignment.strategy=%s -X auto.offset.reset=earliest %s >%s 2>%s",
		c.tools.kcat, c.broker.addr, group, strategy, topic, m.out, m.err)
	go func() {
		_, err := command.Run(ctx, line{Args: []string{"sh", "-c", script}})
		m.ended <- err
	}()
	return m
}

// await waits until the member has written text to its log.
func (m *member) await(c *check, text string) {
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(m.log(c), text); {
		if time.Now().After(deadline) {
			c.Failf("member has not logged %q:\n%s", text, m.log(c))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (m *member) log(c *check) string {
	data, err := os.ReadFile(m.err)
	if err != nil && !os.IsNotExist(err) {
		c.NoError(err)
	}
	return string(data)
}

func (m *member) records(c *check) []string {
	data, err := os.ReadFile(m.out)
	c.NoError(err)
	return strings.Fields(string(data))
}

// end stops the member and removes its files.
func (m *member) end(cancel context.CancelFunc) {
	cancel()
	<-m.ended // cancelled, as it says
	for _, f := range []string{m.out, m.err} {
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			fmt.Fprintln(os.Stderr, "interop:", err)
		}
	}
}
