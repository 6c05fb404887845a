package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// propagationMax is how long a follower may take to hear what its leader has.
const propagationMax = 30 * time.Second

func installRacks(ctx context.Context, t *tools) error {
	return errors.Join(installJavaClient(ctx, t), installKcat(ctx, t))
}

func rackOf(id int) string { return fmt.Sprintf("rack-%d", id) }

// runRacks has consumers read from the replica in their rack (KIP-392), which is what
// the selector of Kafka's in the nodes' settings does.
func runRacks(s *suiteRun) {
	flags := func(id int) []string {
		return []string{"-o", "broker.rack=" + rackOf(id), "-o", "replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector"}
	}
	s.onOwnNodes(flags, func(own *ownCluster) {
		own.Program("Racks", own.tools.kafka.Program("Racks", own.arguments()...))
		own.check("a Kafka client at the cluster port is turned away", func(c *check) { turnedAway(c, own.Node(1)) })
		own.check("a follower serves nothing above the high watermark", func(c *check) { belowHighWatermark(c, own) })
	})
}

// belowHighWatermark has a follower hold records that are not committed, and reads from
// it: with three members that have to be in sync, and one of them gone, the high
// watermark stands still, and what is produced with acks=1 goes to two logs.
func belowHighWatermark(c *check, own *ownCluster) {
	topic := own.topic("watermark")
	p := own.created(c, topic, "min.insync.replicas=3")
	followers := others(p.Leader)
	reader, gone := followers[0], followers[1]
	committed, all := text(numbers(1, 100)), text(numbers(1, 150))
	c.kcat(committed, "-P", "-t", topic, "-X", "topic.request.required.acks=-1")
	read := func() string {
		return c.kcat("", "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-X", "client.rack="+rackOf(reader))
	}
	c.eventually(func() error { return same("records before", read(), committed) })

	c.NoError(own.Node(gone).Kill())
	p = own.followed(c, topic, p.Leader, reader)
	c.kcat(text(numbers(101, 150)), "-P", "-t", topic, "-X", "topic.request.required.acks=1")
	c.eventually(func() error { return own.sameBytes(c, topic, p.Leader, reader) })
	c.Equal("records that are committed", read(), committed)
	c.Matches(c.kcat("", "-Q", "-t", topic+":0:-1"), `\[0\] offset 100$`)

	c.NoError(own.Start(c.Ctx, gone))
	own.whole(c, topic)
	c.eventually(func() error { return same("records when all are in sync", read(), all) })
}

// sameBytes demands that two nodes have as much of a topic, and more than nothing.
func (o *ownCluster) sameBytes(c *check, topic string, a, b int) error {
	atA, errA := o.view.Bytes(c.Ctx, a, topic)
	atB, errB := o.view.Bytes(c.Ctx, b, topic)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if atA != atB || atA == 0 {
		return fmt.Errorf("%s: node %d has %d bytes, node %d %d", topic, a, atA, b, atB)
	}
	return nil
}

func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: %d lines, want %d", what, strings.Count(got, "\n"), strings.Count(want, "\n"))
	}
	return nil
}

// eventually repeats a question until there is no error.
func (c *check) eventually(ask func() error) {
	for deadline := time.Now().Add(propagationMax); ; {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.Failf("not within %s: %v", propagationMax, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
