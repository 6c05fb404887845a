package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// janitor makes the topics, reads them back, and takes them away.
type janitor struct {
	addrs []string
	*kadm.Client
}

func newJanitor(addrs []string) (*janitor, error) {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		return nil, err
	}
	return &janitor{addrs: addrs, Client: admin}, nil
}

// create creates a topic whose partitions all have the replicas given, in that order,
// of which two have to be in sync.
func (j *janitor) create(ctx context.Context, topic string, partitions int, replicas []int) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, -1, -1
	for p := range partitions {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition = int32(p)
		for _, node := range replicas {
			a.Replicas = append(a.Replicas, int32(node))
		}
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	c := kmsg.NewCreateTopicsRequestTopicConfig()
	c.Name, c.Value = "min.insync.replicas", kmsg.StringPtr("2")
	t.Configs = append(t.Configs, c)
	request.Topics, request.TimeoutMillis = append(request.Topics, t), 10_000
	client, err := kgo.NewClient(kgo.SeedBrokers(j.addrs...))
	if err != nil {
		return err
	}
	defer client.Close()
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	created := response.Topics[0]
	if err := kerr.ErrorForCode(created.ErrorCode); err != nil {
		return fmt.Errorf("create %s: %w: %s", topic, err, deref(created.ErrorMessage))
	}
	return nil
}

// reassign gives all partitions of a topic the replicas given, in that order.
func (j *janitor) reassign(ctx context.Context, topic string, partitions int, replicas []int) error {
	var nodes []int32
	for _, node := range replicas {
		nodes = append(nodes, int32(node))
	}
	var request kadm.AlterPartitionAssignmentsReq
	for p := range partitions {
		request.Assign(topic, int32(p), nodes)
	}
	answers, err := j.AlterPartitionAssignments(ctx, request)
	if err == nil {
		err = answers.Error()
	}
	return err
}

// awaitMoved returns when no partition of a topic is being moved any more.
func (j *janitor) awaitMoved(ctx context.Context, topic string, partitions int) error {
	set := kadm.TopicsSet{}
	for p := range partitions {
		set.Add(topic, int32(p))
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		moving, err := j.ListPartitionReassignments(ctx, set)
		if err != nil || len(moving) == 0 {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// stored is a record as it was read back; number is -1 where its value is none.
type stored struct{ number, offset int64 }

// read reads a partition from its beginning to its end.
func (j *janitor) read(ctx context.Context, topic string, partition int32) ([]stored, error) {
	ends, err := j.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	end, found := ends.Lookup(topic, partition)
	if !found || end.Err != nil {
		return nil, fmt.Errorf("no end of %s-%d: %w", topic, partition, end.Err)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(j.addrs...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {partition: kgo.NewOffset().At(0)}}))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	var all []stored
	for next := int64(0); next < end.Offset; {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("read %s-%d at %d of %d: %w", topic, partition, next, end.Offset, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			number, err := strconv.ParseInt(string(r.Value), 10, 64)
			if err != nil {
				number = -1
			}
			all = append(all, stored{number: number, offset: r.Offset})
			next = r.Offset + 1
		})
	}
	return all, nil
}
