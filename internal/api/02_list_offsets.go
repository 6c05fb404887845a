package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/wire"
)

// ListOffsets (key 2), v1–v11.
//
// Behaviour: the first offset at or after a time, or one of the special ones
// below. OFFSET_NOT_AVAILABLE while a new leader does not know yet how far its
// predecessor had committed (KIP-207).
// Versions: v2 isolation level; v4 leader epochs; v6 flexible; v7 max timestamp
// (KIP-734); v8 earliest local (KIP-405); v9 latest tiered (KIP-1005); v10
// timeout; v11 earliest pending upload (KIP-1023).
// Without tiered storage the earliest local offset is the log's start, and the
// latest tiered and earliest pending upload are -1, as Kafka answers then.

// Timestamps with a meaning of their own.
const (
	latestTimestamp          = -1
	earliestTimestamp        = -2
	maxTimestamp             = -3
	earliestLocalTimestamp   = -4
	latestTieredTimestamp    = -5
	earliestPendingTimestamp = -6
)

// specialSince is the version a special timestamp came with; below it the
// partition is answered with UNSUPPORTED_VERSION, as one without meaning is.
func specialSince(timestamp int64) (version int16, ok bool) {
	switch timestamp {
	case latestTimestamp, earliestTimestamp:
		return 1, true
	case maxTimestamp:
		return 7, true
	case earliestLocalTimestamp:
		return 8, true
	case latestTieredTimestamp:
		return 9, true
	case earliestPendingTimestamp:
		return 11, true
	}
	return 0, false
}

func (h *Handler) listOffsets(_ context.Context, _ *server.Request, r *kmsg.ListOffsetsRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrListOffsetsResponse()
	for _, t := range r.Topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			out := kmsg.NewListOffsetsResponseTopicPartition()
			out.Partition, out.Timestamp, out.Offset, out.LeaderEpoch = p.Partition, -1, -1, -1
			found, err := h.listOffset(r, t.Topic, p)
			if err != nil {
				out.ErrorCode = listOffsetsCode(r.Version, err)
			} else {
				out.Timestamp, out.Offset = int64(found.Timestamp), int64(found.Offset)
				out.LeaderEpoch = int32(found.LeaderEpoch)
			}
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, nil
}

func (h *Handler) listOffset(r *kmsg.ListOffsetsRequest, topic string, asked kmsg.ListOffsetsRequestTopicPartition) (storage.TimestampOffset, error) {
	none := storage.TimestampOffset{Timestamp: model.NoTimestamp, Offset: model.NoOffset, LeaderEpoch: model.NoLeaderEpoch}
	if since, ok := specialSince(asked.Timestamp); asked.Timestamp < 0 && (!ok || r.Version < since) {
		return none, wire.Errorf(kerr.UnsupportedVersion, "timestamp %d has no meaning in version %d", asked.Timestamp, r.Version)
	}
	p, err := h.partition(model.TopicPartition{Topic: topic, Partition: model.Partition(asked.Partition)})
	if err != nil {
		return none, err
	}
	epoch := model.LeaderEpoch(asked.CurrentLeaderEpoch)
	isolation := partition.Isolation(r.IsolationLevel & 1)
	switch asked.Timestamp {
	case latestTimestamp:
		return p.LatestOffset(epoch, isolation)
	case earliestTimestamp, earliestLocalTimestamp:
		return p.EarliestOffset(epoch)
	case latestTieredTimestamp, earliestPendingTimestamp:
		return none, p.CheckLeader(epoch)
	case maxTimestamp:
		found, ok, err := p.MaxTimestamp(epoch, isolation)
		if err != nil || !ok {
			return none, err
		}
		return found, nil
	}
	found, ok, err := p.OffsetForTimestamp(epoch, model.Timestamp(asked.Timestamp), isolation)
	if err != nil || !ok {
		return none, err
	}
	return found, nil
}

// listOffsetsCode gives clients from before KIP-207 (v5) the retriable code that
// they know.
func listOffsetsCode(version int16, err error) int16 {
	code := codeOf(err)
	if code == kerr.OffsetNotAvailable && version < 5 {
		code = kerr.LeaderNotAvailable
	}
	return code.Code
}
