package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// OffsetForLeaderEpoch (key 23), v2–v4 (KIP-101, KIP-320).
//
// Behaviour: where the newest leader epoch that is not newer than the asked one
// ends, so that a consumer notices that its position was truncated. -1 and -1
// where the log knows no such epoch.

func (h *Handler) offsetForLeaderEpoch(_ context.Context, _ *server.Request, r *kmsg.OffsetForLeaderEpochRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	for _, t := range r.Topics {
		topic := kmsg.NewOffsetForLeaderEpochResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			out := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			out.Partition, out.LeaderEpoch, out.EndOffset = p.Partition, -1, -1
			local, err := h.partition(model.TopicPartition{Topic: t.Topic, Partition: model.Partition(p.Partition)})
			if err == nil {
				end, endErr := local.EpochEnd(model.LeaderEpoch(p.CurrentLeaderEpoch), model.LeaderEpoch(p.LeaderEpoch))
				if endErr == nil {
					out.LeaderEpoch, out.EndOffset = int32(end.Epoch), int64(end.EndOffset)
				}
				err = endErr
			}
			out.ErrorCode = wireCode(err)
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, nil
}
