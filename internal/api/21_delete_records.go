package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// DeleteRecords (key 21), v0–v2 (KIP-107).
//
// Behaviour: moves the start of the log up to an offset, or to the high
// watermark for -1. A topic whose cleanup.policy does not contain delete
// refuses (POLICY_VIOLATION), as in Kafka.

// deleteRecordsParallelism is how many partitions of one request are at it at a
// time: each waits for the disk, which takes several syncs at once.
const deleteRecordsParallelism = 8

func (h *Handler) deleteRecords(ctx context.Context, _ *server.Request, r *kmsg.DeleteRecordsRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	resp := kmsg.NewPtrDeleteRecordsResponse()
	resp.Topics = make([]kmsg.DeleteRecordsResponseTopic, len(r.Topics))
	var group errgroup.Group
	group.SetLimit(deleteRecordsParallelism)
	for i, t := range r.Topics {
		topic := kmsg.NewDeleteRecordsResponseTopic()
		topic.Topic = t.Topic
		topic.Partitions = make([]kmsg.DeleteRecordsResponseTopicPartition, len(t.Partitions))
		for j, p := range t.Partitions {
			name := model.TopicPartition{Topic: t.Topic, Partition: model.Partition(p.Partition)}
			out := &topic.Partitions[j]
			*out = kmsg.NewDeleteRecordsResponseTopicPartition()
			group.Go(func() error {
				start, err := h.deletePartitionRecords(ctx, name, model.Offset(p.Offset))
				out.Partition, out.LowWatermark, out.ErrorCode = p.Partition, int64(start), wireCode(err)
				return nil
			})
		}
		resp.Topics[i] = topic
	}
	return resp, group.Wait()
}

func (h *Handler) deletePartitionRecords(ctx context.Context, name model.TopicPartition, before model.Offset) (model.Offset, error) {
	image := h.Image()
	topic, err := resolveTopic(image, false, name.Topic, model.TopicID{})
	if err != nil {
		return model.NoOffset, err
	}
	if topic.Internal {
		return model.NoOffset, wire.Errorf(kerr.InvalidTopicException, "%s is internal: its records may not be deleted", name.Topic)
	}
	values, err := h.topicLayers(image, topic).TopicValues()
	if err != nil {
		return model.NoOffset, err
	}
	if !values.Delete {
		return model.NoOffset, wire.Errorf(kerr.PolicyViolation, "cleanup.policy of %s does not contain delete", name.Topic)
	}
	p, err := h.partition(name)
	if err != nil {
		return model.NoOffset, err
	}
	start, err := p.DeleteRecords(ctx, before)
	if err != nil {
		return model.NoOffset, err
	}
	return start, nil
}
