package group

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
)

// OffsetCommit keeps offsets. Topics are by name; their ids are filled in from
// the metadata where the request has none.
func (c *Coordinator) OffsetCommit(ctx context.Context, r *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	topics := c.image().Topics
	for i := range r.Topics {
		if t := topics.ByName(r.Topics[i].Topic); t != nil && r.Topics[i].TopicID == [16]byte{} {
			r.Topics[i].TopicID = t.ID
		}
	}
	failure := func(err error) *kmsg.OffsetCommitResponse { return commitFailure(r, err) }
	return ask(ctx, c, r.Group, failure, func(s *Groups, now time.Time, w *waiter) outcome {
		return s.CommitOffsets(now, w, r)
	})
}

// Versions of OffsetFetch that differ in how they are answered.
const (
	fetchGroupError = 2 // the response has an error of its own
	fetchGroups     = 8 // several groups at once (KIP-709)
)

// OffsetFetch looks offsets up, of one group or several. Topics are by name.
func (c *Coordinator) OffsetFetch(ctx context.Context, r *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	resp := r.ResponseKind().(*kmsg.OffsetFetchResponse)
	if r.Version >= fetchGroups {
		for _, g := range r.Groups {
			resp.Groups = append(resp.Groups, c.fetchGroup(ctx, g))
		}
		return resp
	}
	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = r.Group
	if r.Topics != nil {
		asked.Topics = make([]kmsg.OffsetFetchRequestGroupTopic, len(r.Topics))
	}
	for i, t := range r.Topics {
		asked.Topics[i] = kmsg.NewOffsetFetchRequestGroupTopic()
		asked.Topics[i].Topic, asked.Topics[i].Partitions = t.Topic, t.Partitions
	}
	found := c.fetchGroup(ctx, asked)
	if r.Version >= fetchGroupError {
		resp.ErrorCode = found.ErrorCode
	}
	for _, t := range found.Topics {
		one := kmsg.NewOffsetFetchResponseTopic()
		one.Topic = t.Topic
		for _, p := range t.Partitions {
			same := kmsg.NewOffsetFetchResponseTopicPartition()
			same.Partition, same.Offset, same.LeaderEpoch = p.Partition, p.Offset, p.LeaderEpoch
			same.Metadata, same.ErrorCode = p.Metadata, p.ErrorCode
			if r.Version < fetchGroupError {
				same.ErrorCode = found.ErrorCode
			}
			one.Partitions = append(one.Partitions, same)
		}
		resp.Topics = append(resp.Topics, one)
	}
	return resp
}

func (c *Coordinator) fetchGroup(ctx context.Context, asked kmsg.OffsetFetchRequestGroup) kmsg.OffsetFetchResponseGroup {
	failure := func(err error) kmsg.OffsetFetchResponseGroup {
		resp := kmsg.NewOffsetFetchResponseGroup()
		resp.Group, resp.ErrorCode = asked.Group, codeOf(err).Code
		var none *group
		for _, t := range asked.Topics {
			one := kmsg.NewOffsetFetchResponseGroupTopic()
			one.Topic, one.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				one.Partitions = append(one.Partitions, none.fetch(t.Topic, model.Partition(p)))
			}
			resp.Topics = append(resp.Topics, one)
		}
		return resp
	}
	return ask(ctx, c, asked.Group, failure, func(s *Groups, _ time.Time, w *waiter) outcome {
		return s.FetchOffsets(w, asked)
	})
}

// OffsetDelete deletes offsets that no member uses.
func (c *Coordinator) OffsetDelete(ctx context.Context, r *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	failure := func(err error) *kmsg.OffsetDeleteResponse { return offsetDeleteError(r, codeOf(err)) }
	return ask(ctx, c, r.Group, failure, func(s *Groups, _ time.Time, w *waiter) outcome {
		return s.DeleteOffsets(w, r)
	})
}
