package brokertest

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// leaderOf is who leads a partition of a topic, as the cluster says.
func leaderOf(ctx context.Context, t *testing.T, admin *kadm.Client, topic string, partition int32) int {
	t.Helper()
	for {
		m, err := admin.Metadata(ctx, topic)
		if err != nil {
			t.Fatal(err)
		}
		if leader := m.Topics[topic].Partitions[partition].Leader; leader > 0 {
			return int(leader)
		}
	}
}

// quiet fails the test where a node has called for a person, in any of its runs.
func (c *Processes) quiet(t *testing.T) {
	t.Helper()
	for _, p := range c.all {
		for line := range strings.Lines(p.Log()) {
			if strings.Contains(line, " ERR ") || strings.Contains(line, "panic") {
				t.Errorf("%s: %s", p.cmd.Args, line)
			}
		}
	}
}

// Goal: what a cluster has acknowledged with acks=-1 survives kill -9 of any node, and
// of all of them, in order and once, and all nodes serve the same. Method: one
// idempotent producer writes numbers to three partitions without pause while, at random
// moments, leaders are killed, stopped in order, and killed with another node, and
// started again; in the end all are killed at once. Then everything is read back through
// each node alone.
func TestCrashOfLeadersKeepsEveryAcknowledgedRecordOnceAndInOrder(t *testing.T) {
	if *crashSeed == 0 {
		*crashSeed = uint64(time.Now().UnixNano())
	}
	t.Logf("-crash.seed=%d -crash.rounds=%d", *crashSeed, *crashRounds)
	rng := rand.New(rand.NewPCG(*crashSeed, 1))
	c := NewProcesses(t, "num.partitions=3", "log.segment.bytes=1048576")
	c.Start(1, 2, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*crashRounds)*20*time.Second+time.Minute)
	defer cancel()

	load := startCrashLoad(ctx, c.Client(crashLoadOptions()...))
	admin := kadm.NewClient(c.Client())
	load.awaitAcks(ctx, t, 500) // the topic is there
	for round := range *crashRounds {
		leader := leaderOf(ctx, t, admin, "crash", int32(round%crashPartitions))
		down := []int{leader}
		switch round % 3 {
		case 0:
			c.Kill(leader)
		case 1:
			if err := c.Nodes[leader-1].Interrupt(ctx); err != nil {
				t.Errorf("stop node %d: %v", leader, err)
			}
		case 2: // and nobody is left to acknowledge
			down = append(down, leader%clusterSize+1)
			c.Kill(down...)
		}
		if len(down) == 1 {
			load.awaitAcks(ctx, t, 200+rng.IntN(3000)) // by those that are left
		}
		c.Start(down...)
		load.awaitAcks(ctx, t, rng.IntN(1000))
	}
	c.Kill(1, 2, 3)
	c.Start(1, 2, 3)
	load.awaitAcks(ctx, t, 500)
	acked := load.finish(ctx, t)
	for id := range clusterSize {
		readBackCrashed(ctx, t, c.Addr(id+1), acked)
	}
	for id, p := range c.Nodes {
		if err := p.Interrupt(ctx); err != nil {
			t.Errorf("stop node %d: %v", id+1, err)
		}
	}
	c.quiet(t)
}

// A group's offsets are committed by the quorum of their partition: they outlive their
// coordinator.
func TestCommittedOffsetsOutliveTheirCoordinator(t *testing.T) {
	c := NewProcesses(t, "offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0")
	c.Start(1, 2, 3)
	ctx := Context(t)
	admin := kadm.NewClient(c.Client())
	if _, err := admin.CreateTopic(ctx, 3, clusterSize, nil, "t"); err != nil {
		t.Fatal(err)
	}
	producer := c.Client(kgo.DefaultProduceTopic("t"))
	for range 30 {
		if err := producer.ProduceSync(ctx, kgo.StringRecord("value")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	// A member that has read and committed, one group for each partition of the offsets.
	groups := []string{"group-a", "group-b", "group-c", "group-d"}
	for _, group := range groups {
		member := c.Client(kgo.ConsumerGroup(group), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		consume(ctx, t, member, 30)
		if err := member.CommitUncommittedOffsets(ctx); err != nil {
			t.Fatal(err)
		}
		member.Close()
	}
	committed := func() {
		t.Helper()
		for _, group := range groups {
			offsets, err := c.fetchOffsets(ctx, group)
			for err != nil && ctx.Err() == nil { // another is just being elected
				offsets, err = c.fetchOffsets(ctx, group)
			}
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
			if sum != 30 {
				t.Errorf("%s has committed %d records of 30", group, sum)
			}
		}
	}
	committed()
	coordinator := admin.FindGroupCoordinators(ctx, groups[0])[groups[0]]
	if coordinator.Err != nil {
		t.Fatal(coordinator.Err)
	}
	first := int(coordinator.NodeID)
	c.Kill(first)
	committed()
	c.Start(first)
	c.Kill(first%clusterSize + 1) // what the first has, or the third, counts
	committed()
	c.quiet(t)
}

// fetchOffsets asks for what a group has committed, as a client does that knows of no
// coordinator yet.
func (c *Processes) fetchOffsets(ctx context.Context, group string) (kadm.OffsetResponses, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addr(1), c.Addr(2), c.Addr(3)))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return kadm.NewClient(client).FetchOffsets(ctx, group)
}
