package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// OffsetCommit (key 8), v2–v10.
//
// Behaviour: a group's offsets, answered once they are durable. Partitions that
// do not exist are refused one by one (UNKNOWN_TOPIC_OR_PARTITION, or
// UNKNOWN_TOPIC_ID), the others are committed.
// Versions: v2–v4 retention time; v6 leader epoch; v7 static members; v8
// flexible; v10 topic ids (KIP-848).

func (h *Handler) offsetCommit(ctx context.Context, _ *server.Request, r *kmsg.OffsetCommitRequest) (kmsg.Response, error) {
	image := h.imageWith(ctx, len(r.Topics), func(image *meta.Image, i int) bool {
		_, err := resolveTopic(image, r.Version >= 10, r.Topics[i].Topic, r.Topics[i].TopicID)
		return err == nil
	})
	known := *r
	known.Topics = nil
	// refused holds, for each of the request's partitions, why it is not passed on.
	refused := make([][]int16, len(r.Topics))
	for i := range r.Topics {
		t := r.Topics[i]
		refused[i] = make([]int16, len(t.Partitions))
		topic, err := resolveTopic(image, r.Version >= 10, t.Topic, t.TopicID)
		pass := t
		pass.Partitions = nil
		for j, p := range t.Partitions {
			switch {
			case err != nil:
				refused[i][j] = wireCode(err)
			case p.Partition < 0 || int(p.Partition) >= len(topic.Partitions):
				refused[i][j] = kerr.UnknownTopicOrPartition.Code
			default:
				pass.Topic = topic.Name
				pass.Partitions = append(pass.Partitions, p)
			}
		}
		if len(pass.Partitions) > 0 {
			known.Topics = append(known.Topics, pass)
		}
	}
	committed := kmsg.NewPtrOffsetCommitResponse()
	if len(known.Topics) > 0 || len(r.Topics) == 0 {
		committed = h.Groups.OffsetCommit(ctx, &known)
	}
	return mergeCommitted(r, refused, committed), nil
}

// mergeCommitted answers in the order of the request: the coordinator's answers,
// which come in that order too, and the refusals in between.
func mergeCommitted(r *kmsg.OffsetCommitRequest, refused [][]int16, committed *kmsg.OffsetCommitResponse) *kmsg.OffsetCommitResponse {
	resp := kmsg.NewPtrOffsetCommitResponse()
	next := 0
	for i := range r.Topics {
		t := kmsg.NewOffsetCommitResponseTopic()
		t.Topic, t.TopicID = r.Topics[i].Topic, r.Topics[i].TopicID
		passed := 0
		for j, p := range r.Topics[i].Partitions {
			out := kmsg.NewOffsetCommitResponseTopicPartition()
			out.Partition, out.ErrorCode = p.Partition, refused[i][j]
			if out.ErrorCode == 0 {
				out.ErrorCode = committed.Topics[next].Partitions[passed].ErrorCode
				passed++
			}
			t.Partitions = append(t.Partitions, out)
		}
		if passed > 0 {
			next++
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}
