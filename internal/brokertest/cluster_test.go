package brokertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// unattended fails a test where a person is called: no test here needs one.
type unattended struct {
	slog.Handler
	t testing.TB
}

func unattendedLogger(t testing.TB) *slog.Logger {
	return slog.New(unattended{slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}), t})
}

// Handle implements slog.Handler.
func (u unattended) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		u.t.Errorf("logged as an error: %s", r.Message)
	}
	return u.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (u unattended) WithAttrs(attrs []slog.Attr) slog.Handler {
	return unattended{u.Handler.WithAttrs(attrs), u.t}
}

// Three nodes, started in any order, are one cluster, whichever of them is asked; and
// so they are again when all have been stopped in order.
func TestThreeNodesAreOneCluster(t *testing.T) {
	order := rand.Perm(clusterSize)
	for i := range order {
		order[i]++
	}
	t.Logf("started in the order %v", order)
	c := StartCluster(t, unattendedLogger(t), order, "offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0")
	t.Run("a topic made through any node is on all", c.testTopics)
	t.Run("any node is asked for any change", c.testChanges)
	t.Run("franz-go", c.testFranzGo)
	t.Run("sarama", c.testSarama)
	t.Run("kafka-go", c.testKafkaGo)
	before := c.describe(t, c.Nodes[0], "by-1", "by-2", "by-3")
	c.Stop(1, 2, 3)
	c.Start(order...)
	after := c.describe(t, c.Nodes[0], "by-1", "by-2", "by-3")
	if len(after) != len(before) {
		t.Errorf("there were %d partitions, and %d are left", len(before), len(after))
	}
	t.Run("franz-go, after a restart of all", func(t *testing.T) {
		if got := consumeAll(t, c.Nodes[1], "franz-1", 90); len(got) != 90 {
			t.Errorf("%d records are left", len(got))
		}
	})
}

// placed is a partition as metadata tells of it.
type placed struct {
	topic             string
	partition, leader int32
	replicas, isr     string
}

// describe is what a node says of topics. One that it does not know it is asked for
// again, as clients do.
func (c *Cluster) describe(t *testing.T, node *Broker, topics ...string) []placed {
	t.Helper()
	ctx := Context(t)
	for {
		all, err := described(t, node, topics)
		switch {
		case err == nil:
			return all
		case ctx.Err() != nil || !errors.Is(err, kerr.UnknownTopicOrPartition):
			t.Fatal(err)
		}
	}
}

func described(t *testing.T, node *Broker, topics []string) (all []placed, err error) {
	t.Helper()
	ask := kmsg.NewPtrMetadataRequest()
	ask.Version = 4 // no topic is created by it
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		ask.Topics = append(ask.Topics, topic)
	}
	for _, topic := range node.Raw(t).Ask(ask).(*kmsg.MetadataResponse).Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return nil, fmt.Errorf("%s: %w", *topic.Topic, err)
		}
		for _, p := range topic.Partitions {
			all = append(all, placed{*topic.Topic, p.Partition, p.Leader, fmt.Sprint(p.Replicas), fmt.Sprint(p.ISR)})
		}
	}
	return all, nil
}

func (c *Cluster) testTopics(t *testing.T) {
	for i, node := range c.Nodes {
		name := fmt.Sprint("by-", i+1)
		c.mustCreate(t, node, name, 6)
		want := c.describe(t, node, name)
		leaders := map[int32]int{}
		for _, p := range want {
			leaders[p.leader]++
			if len(p.replicas) != len("[1 2 3]") || p.replicas != p.isr {
				t.Errorf("%+v", p)
			}
		}
		if len(want) != 6 || len(leaders) != clusterSize {
			t.Errorf("%d partitions, led so often by whom: %v", len(want), leaders)
		}
		for j, other := range c.Nodes { // a client goes to another node next
			if got := c.describe(t, other, name); !slices.Equal(got, want) {
				t.Errorf("node %d says %v of what was made through node %d: %v", j+1, got, i+1, want)
			}
		}
	}
}

func (c *Cluster) mustCreate(t *testing.T, node *Broker, name string, partitions int32) {
	t.Helper()
	ask := kmsg.NewPtrCreateTopicsRequest()
	ask.Version, ask.TimeoutMillis = 4, 10_000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, clusterSize
	ask.Topics = append(ask.Topics, topic)
	got := node.Raw(t).Ask(ask).(*kmsg.CreateTopicsResponse).Topics[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
}

// testChanges asks each node, of which at most one decides, for what changes metadata,
// and looks through another one.
func (c *Cluster) testChanges(t *testing.T) {
	for i, node := range c.Nodes {
		other := c.Nodes[(i+1)%clusterSize]
		name := fmt.Sprint("changed-", i+1)
		c.mustCreate(t, node, name, 1)

		more := kmsg.NewPtrCreatePartitionsRequest()
		more.TimeoutMillis = 10_000
		grown := kmsg.NewCreatePartitionsRequestTopic()
		grown.Topic, grown.Count = name, 3
		more.Topics = append(more.Topics, grown)
		if got := node.Raw(t).Ask(more).(*kmsg.CreatePartitionsResponse).Topics[0]; got.ErrorCode != 0 {
			t.Errorf("create partitions: %v", kerr.ErrorForCode(got.ErrorCode))
		}
		if got := c.describe(t, node, name); len(got) != 3 {
			t.Errorf("the node that was asked for 3 partitions knows of %d", len(got))
		}

		alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
		resource := kmsg.NewIncrementalAlterConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, name
		config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		config.Name, config.Value = "retention.ms", kmsg.StringPtr("12345")
		resource.Configs = append(resource.Configs, config)
		alter.Resources = append(alter.Resources, resource)
		if got := node.Raw(t).Ask(alter).(*kmsg.IncrementalAlterConfigsResponse).Resources[0]; got.ErrorCode != 0 {
			t.Errorf("alter a setting: %v", kerr.ErrorForCode(got.ErrorCode))
		}
		if got := retention(t, node, name); got != "12345" {
			t.Errorf("the node that was asked says that retention.ms is %s", got)
		}

		remove := kmsg.NewPtrDeleteTopicsRequest()
		remove.Version, remove.TopicNames, remove.TimeoutMillis = 1, []string{name, "none"}, 10_000
		got := node.Raw(t).Ask(remove).(*kmsg.DeleteTopicsResponse).Topics
		if got[0].ErrorCode != 0 || got[1].ErrorCode != kerr.UnknownTopicOrPartition.Code {
			t.Errorf("delete: %+v", got)
		}
		c.mustCreate(t, other, name, 2) // nobody has it any more
		if got := c.describe(t, node, name); len(got) != 2 {
			t.Errorf("%d partitions of the topic that was made anew", len(got))
		}
	}
}

// retention is a topic's retention.ms as a node has it.
func retention(t *testing.T, node *Broker, topic string) string {
	t.Helper()
	ask := kmsg.NewPtrDescribeConfigsRequest()
	ask.Version = 1
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"retention.ms"}
	ask.Resources = append(ask.Resources, resource)
	for _, r := range node.Raw(t).Ask(ask).(*kmsg.DescribeConfigsResponse).Resources {
		for _, config := range r.Configs {
			if config.Value != nil {
				return *config.Value
			}
		}
	}
	return "not known"
}

// testFranzGo produces through each node alone, and consumes through the next.
func (c *Cluster) testFranzGo(t *testing.T) {
	ctx := Context(t)
	for i, node := range c.Nodes {
		topic := fmt.Sprint("franz-", i+1)
		c.mustCreate(t, node, topic, 3)
		producer := node.Client(kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
		var want []string
		for n := range 90 {
			want = append(want, fmt.Sprintf("%02d", n))
			producer.Produce(ctx, kgo.StringRecord(want[n]), nil)
		}
		if err := producer.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if got := consumeAll(t, c.Nodes[(i+1)%clusterSize], topic, len(want)); !slices.Equal(got, want) {
			t.Errorf("through node %d: %v", i+1, got)
		}
	}
}

// consumeAll reads n values of a topic through a node, sorted.
func consumeAll(t *testing.T, node *Broker, topic string, n int) []string {
	t.Helper()
	got := consume(Context(t), t, node.Client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())), n)
	slices.Sort(got)
	return got
}

func (c *Cluster) testSarama(t *testing.T) {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Producer.Return.Successes = true
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Partitioner = sarama.NewManualPartitioner
	cfg.Consumer.MaxWaitTime = 50 * time.Millisecond // a close waits for it
	for i, node := range c.Nodes {
		topic := fmt.Sprint("sarama-", i+1)
		c.mustCreate(t, node, topic, 3)
		producer, err := sarama.NewSyncProducer([]string{node.Addr}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 30 {
			message := &sarama.ProducerMessage{Topic: topic, Partition: int32(n % 3), Value: sarama.StringEncoder(fmt.Sprint(n))}
			if partition, offset, err := producer.SendMessage(message); err != nil || offset != int64(n/3) {
				t.Fatalf("record %d: partition %d, offset %d, %v", n, partition, offset, err)
			}
		}
		consumer, err := sarama.NewConsumer([]string{c.Nodes[(i+1)%clusterSize].Addr}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for p := range int32(3) {
			partition, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 10 {
				if m := <-partition.Messages(); string(m.Value) != fmt.Sprint(n*3+int(p)) {
					t.Errorf("partition %d, record %d is %q", p, n, m.Value)
				}
			}
			if err := partition.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := consumer.Close(); err != nil {
			t.Error(err)
		}
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
	}
}

func (c *Cluster) testKafkaGo(t *testing.T) {
	ctx := Context(t)
	for i, node := range c.Nodes {
		topic := fmt.Sprint("kafka-go-", i+1)
		c.mustCreate(t, node, topic, 1)
		writer := &kafkago.Writer{Addr: kafkago.TCP(node.Addr), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
		for n := range 10 {
			if err := writer.WriteMessages(ctx, kafkago.Message{Value: fmt.Append(nil, n)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
		reader := kafkago.NewReader(kafkago.ReaderConfig{
			Brokers: []string{c.Nodes[(i+1)%clusterSize].Addr}, Topic: topic, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond,
		})
		for n := range 10 {
			if m, err := reader.ReadMessage(ctx); err != nil || string(m.Value) != fmt.Sprint(n) {
				t.Fatalf("record %d is %q, %v", n, m.Value, err)
			}
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
}
