package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/interop/cluster"
)

// topic is one that is to be there.
type topic struct {
	name       string
	partitions int
	on         []int32 // the node that has every partition's only replica; nil: three of each
	configs    map[string]string
}

// createMax is how long it may take: a thousand partitions on a busy machine.
const createMax = 2 * time.Minute

// create makes a topic, and returns when all nodes know it with all replicas in sync.
func (s *scene) create(t topic) error {
	return s.step(fmt.Sprintf("create topic %s of %d partitions", t.name, t.partitions), func() error {
		ctx, cancel := context.WithTimeout(s.ctx, createMax)
		defer cancel()
		if err := s.ask(ctx, t.request()); err != nil {
			return err
		}
		_, err := s.view.AwaitTopic(ctx, t.name, []int{1, 2, 3}, cluster.Whole)
		return err
	})
}

func (t *topic) request() *kmsg.CreateTopicsRequest {
	r := kmsg.NewPtrCreateTopicsRequest()
	r.TimeoutMillis = int32(createMax.Milliseconds())
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = t.name, int32(t.partitions), cluster.Size
	if t.on != nil {
		wanted.NumPartitions, wanted.ReplicationFactor = -1, -1
		for i := range t.partitions {
			a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			a.Partition, a.Replicas = int32(i), t.on
			wanted.ReplicaAssignment = append(wanted.ReplicaAssignment, a)
		}
	}
	for name, value := range t.configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		wanted.Configs = append(wanted.Configs, c)
	}
	r.Topics = append(r.Topics, wanted)
	return r
}

// ask creates, again while not all nodes have registered yet.
func (s *scene) ask(ctx context.Context, r *kmsg.CreateTopicsRequest) error {
	client, err := kgo.NewClient(s.reach(nil)...)
	if err != nil {
		return err
	}
	defer client.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := r.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
		if !errors.Is(err, kerr.InvalidReplicationFactor) && !errors.Is(err, kerr.InvalidReplicaAssignment) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
