package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// DeleteRecords (key 21), v0–v2 (KIP-107).
//
// Behaviour: moves the start of the log up to an offset, or to the high
// watermark for -1. A topic whose cleanup.policy does not contain delete
// refuses (POLICY_VIOLATION), as in Kafka.

func (h *Handler) deleteRecords(ctx context.Context, _ *server.Request, r *kmsg.DeleteRecordsRequest) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(r.TimeoutMillis, 0))*time.Millisecond)
	defer cancel()
	resp := kmsg.NewPtrDeleteRecordsResponse()
	for _, t := range r.Topics {
		topic := kmsg.NewDeleteRecordsResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			out := kmsg.NewDeleteRecordsResponseTopicPartition()
			out.Partition = p.Partition
			name := model.TopicPartition{Topic: t.Topic, Partition: model.Partition(p.Partition)}
			start, err := h.deletePartitionRecords(ctx, name, model.Offset(p.Offset))
			out.LowWatermark, out.ErrorCode = int64(start), wireCode(err)
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, nil
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
