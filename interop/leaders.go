package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
)

func installLeaders(ctx context.Context, t *tools) error {
	return errors.Join(installKafka(ctx, t), installKcat(ctx, t))
}

// leaders is a cluster whose partitions lose what is in sync.
type leaders struct{ *moves }

// runLeaders has Kafka's tools elect leaders uncleanly, on demand and by the setting.
func runLeaders(s *suiteRun) {
	s.onOwnNodes(func(int) []string { return nil }, func(own *ownCluster) {
		own.expected = []string{uncleanLine}
		l := &leaders{&moves{ownCluster: own}}
		own.check("leader-election: unclean", l.electsOnDemand)
		own.check("leader-election: unclean, and nobody is there", l.electsNobody)
		own.check("unclean.leader.election.enable of a topic", l.electsBySetting)
		own.check("unclean.leader.election.enable for all brokers", l.setsDefault)
		own.check("the log says what may be lost", l.says)
	})
}

// uncleanLine is in what the active controller and the new leader log of an unclean election.
const uncleanLine = "committed records may be lost"

// says: of each of the two elections two nodes have said so, or one as both.
func (l *leaders) says(c *check) {
	said := map[string]int{}
	for _, n := range l.Nodes {
		data, err := os.ReadFile(n.LogPath)
		c.NoError(err)
		for line := range strings.Lines(string(data)) {
			if !strings.Contains(line, uncleanLine) {
				continue
			}
			c.Matches(line, `"level":"ERROR".*"leader":2,"epoch":\d+,"in_sync_before":\[1\],"lost_before":(null|\[\]),"from":\d+,"leader_log_end":100`)
			for _, topic := range []string{"on-demand", "by-setting"} {
				if strings.Contains(line, topic) {
					said[topic]++
				}
			}
		}
	}
	c.Equal("lines of the logs", fmt.Sprint(said), "map[by-setting:2 on-demand:2]")
}

// divided creates a topic, of whose records only some are on node 2, which is there; node 1,
// which has all, is not, and nobody leads.
func (l *leaders) divided(c *check, topic string) {
	c.createTopic(topic, "--replica-assignment", "1:2", "--config", "min.insync.replicas=1")
	l.everywhere(c, topic)
	c.produce(topic, text(numbers(1, 100)))
	c.NoError(l.Node(2).Kill())
	l.awaits(c, topic, []int{1, 3}, 1, 1)
	c.produce(topic, text(numbers(101, 200)))
	c.NoError(l.Node(1).Kill())
	c.NoError(l.Start(c.Ctx, 2))
	l.awaits(c, topic, []int{2, 3}, -1, 1)
}

// awaits waits until nodes know who leads the one partition of a topic and who is in sync.
func (l *leaders) awaits(c *check, topic string, nodes []int, leader int, isr ...int) {
	_, err := l.view.AwaitTopic(c.Ctx, topic, nodes, func(p []cluster.Partition) error {
		if len(p) != 1 || p[0].Leader != leader || !slices.Equal(slices.Sorted(slices.Values(p[0].ISR)), isr) {
			return fmt.Errorf("topic %s: %+v, want leader %d and %v in sync", topic, p, leader, isr)
		}
		return nil
	})
	c.NoError(err)
}

// comesBack has node 1 come back: it cuts what the leader lacks, and both are alike.
func (l *leaders) comesBack(c *check, topic string) {
	c.produce(topic, text(numbers(201, 300)))
	c.NoError(l.Start(c.Ctx, 1))
	l.awaits(c, topic, []int{1, 2, 3}, 2, 1, 2)
	want := text(slices.Concat(numbers(1, 100), numbers(201, 300)))
	read := func() string { return c.kcat("", "-C", "-t", topic, "-o", "beginning", "-e", "-q") }
	c.Equal("records of the leader", read(), want)
	// On a machine that is so busy that node 2 is fenced for a moment, node 1 leads already.
	c.Matches(c.kafka("leader-election", "--election-type", "preferred", "--topic", topic, "--partition", "0"),
		`^(Successfully completed leader election \(PREFERRED\)|Valid replica already elected) for partitions `+topic+`-0$`)
	l.awaits(c, topic, []int{1, 2, 3}, 1, 1, 2)
	c.Equal("records of who was in sync before", read(), want)
}

func (l *leaders) electsOnDemand(c *check) {
	topic := c.topic("on-demand")
	l.divided(c, topic)
	named := func(how string) []string {
		return []string{"--election-type", how, "--topic", topic, "--partition", "0"}
	}
	c.Matches(c.kafkaFails("leader-election", named("preferred")...), `PreferredLeaderNotAvailableException`)
	c.Matches(c.kafka("topics", "--describe", "--unavailable-partitions", "--topic", topic), `Leader: none`)
	c.Matches(c.kafka("leader-election", named("unclean")...), `^Successfully completed leader election \(UNCLEAN\) for partitions `+topic+`-0$`)
	l.awaits(c, topic, []int{2, 3}, 2, 2)
	c.Matches(c.kafka("leader-election", named("unclean")...), `^Valid replica already elected for partitions `+topic+`-0$`)
	l.comesBack(c, topic)
}

// electsNobody: all replicas are down, with a node that is not needed for a controller.
func (l *leaders) electsNobody(c *check) {
	topic := c.topic("nobody")
	l.assignedTo(c, topic, 1)
	c.NoError(l.Node(1).Kill())
	l.awaits(c, topic, []int{2, 3}, -1, 1)
	out := c.kafkaFails("leader-election", "--election-type", "unclean", "--topic", topic, "--partition", "0")
	c.Matches(out, `EligibleLeadersNotAvailableException`)
	c.NoError(l.Start(c.Ctx, 1))
	l.everywhere(c, topic)
}

// electsBySetting: what is set while nobody leads counts soon.
func (l *leaders) electsBySetting(c *check) {
	topic := c.topic("by-setting")
	l.divided(c, topic)
	entity := []string{"--entity-type", "topics", "--entity-name", topic}
	c.kafka("configs", append(entity, "--alter", "--add-config", "unclean.leader.election.enable=true")...)
	l.awaits(c, topic, []int{2, 3}, 2, 2)
	c.Matches(c.kafka("configs", append(entity, "--describe")...), `unclean\.leader\.election\.enable=true sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:unclean\.leader\.election\.enable=true, DEFAULT_CONFIG:unclean\.leader\.election\.enable=false\}`)
	l.comesBack(c, topic)
}

func (l *leaders) setsDefault(c *check) {
	topic := c.topic("default")
	l.assignedTo(c, topic, 1, 2)
	entity := []string{"--entity-type", "brokers", "--entity-default"}
	c.kafka("configs", append(entity, "--alter", "--add-config", "unclean.leader.election.enable=true")...)
	c.eventually(func() error {
		out := c.kafka("configs", "--entity-type", "topics", "--entity-name", topic, "--describe", "--all")
		if !strings.Contains(out, "unclean.leader.election.enable=true sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:unclean.leader.election.enable=true") {
			return errors.New(out)
		}
		return nil
	})
	c.kafka("configs", append(entity, "--alter", "--delete-config", "unclean.leader.election.enable")...)
}
