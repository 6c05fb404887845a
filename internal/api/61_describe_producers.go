package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
)

// DescribeProducers (key 61), v0 (KIP-664).
//
// Behaviour: the idempotent and transactional producers whose state the
// partition's leader keeps.

func (h *Handler) describeProducers(_ context.Context, _ *server.Request, r *kmsg.DescribeProducersRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrDescribeProducersResponse()
	for _, t := range r.Topics {
		topic := kmsg.NewDescribeProducersResponseTopic()
		topic.Topic = t.Topic
		for _, index := range t.Partitions {
			out := kmsg.NewDescribeProducersResponseTopicPartition()
			out.Partition = index
			var producers []storage.ProducerState
			p, err := h.partition(model.TopicPartition{Topic: t.Topic, Partition: model.Partition(index)})
			if err == nil {
				producers, err = p.Producers()
			}
			out.ErrorCode, out.ErrorMessage = wireCode(err), message(err)
			for _, s := range producers {
				out.ActiveProducers = append(out.ActiveProducers, activeProducer(s))
			}
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, nil
}

func activeProducer(s storage.ProducerState) kmsg.DescribeProducersResponseTopicPartitionActiveProducer {
	out := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
	out.ProducerID, out.ProducerEpoch = int64(s.ProducerID), int32(s.ProducerEpoch)
	out.LastSequence, out.LastTimestamp = int32(s.LastSequence), int64(s.LastTimestamp)
	out.CoordinatorEpoch, out.CurrentTxnStartOffset = s.CoordinatorEpoch, int64(s.TxnStartOffset)
	return out
}
