package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
)

// DeleteGroup deletes a group that has no members, with its offsets. The answer
// is a kmsg.DeleteGroupsResponseGroup.
func (s *Groups) DeleteGroup(w *waiter, id string) outcome {
	g := s.groups[id]
	switch {
	case g == nil:
		return answer(w, deleted(id, kerr.GroupIDNotFound))
	case g.state != Empty:
		return answer(w, deleted(id, kerr.NonEmptyGroup))
	}
	out := answer(w, deleted(id, nil))
	out.Divisible = true
	for topic, partitions := range g.offsets {
		for p := range partitions {
			out.Records = append(out.Records, offsetTombstone(id, topic, p))
		}
	}
	out.Records = append(out.Records, groupTombstone(id))
	return out
}

func deleted(id string, code *kerr.Error) kmsg.DeleteGroupsResponseGroup {
	resp := kmsg.NewDeleteGroupsResponseGroup()
	resp.Group, resp.ErrorCode = id, numberOf(code)
	return resp
}

// DeleteOffsets deletes offsets of topics that no member subscribes to (KIP-496).
func (s *Groups) DeleteOffsets(w *waiter, r *kmsg.OffsetDeleteRequest) outcome {
	g := s.groups[r.Group]
	switch {
	case r.Group == "":
		return answer(w, offsetDeleteError(r, kerr.InvalidGroupID))
	case g == nil:
		return answer(w, offsetDeleteError(r, kerr.GroupIDNotFound))
	case g.state != Empty && g.protocolType != consumerProtocol:
		return answer(w, offsetDeleteError(r, kerr.NonEmptyGroup))
	}
	resp := r.ResponseKind().(*kmsg.OffsetDeleteResponse)
	out := answer(w, resp)
	out.Divisible = true
	for _, t := range r.Topics {
		var code *kerr.Error
		if g.subscribesTo(t.Topic) && g.state != Empty {
			code = kerr.GroupSubscribedToTopic
		}
		answered := kmsg.NewOffsetDeleteResponseTopic()
		answered.Topic = t.Topic
		for _, p := range t.Partitions {
			one := kmsg.NewOffsetDeleteResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, numberOf(code)
			answered.Partitions = append(answered.Partitions, one)
			if _, ok := g.offsets[t.Topic][model.Partition(p.Partition)]; ok && code == nil {
				out.Records = append(out.Records, offsetTombstone(r.Group, t.Topic, model.Partition(p.Partition)))
			}
		}
		resp.Topics = append(resp.Topics, answered)
	}
	return out
}

func offsetDeleteError(r *kmsg.OffsetDeleteRequest, code *kerr.Error) *kmsg.OffsetDeleteResponse {
	resp := r.ResponseKind().(*kmsg.OffsetDeleteResponse)
	resp.ErrorCode = code.Code
	return resp
}

// TopicsDeleted drops the offsets of topics that are no more: a topic created
// under the same name later begins anew.
func (s *Groups) TopicsDeleted(names []string) outcome {
	out := outcome{Divisible: true}
	for id, g := range s.groups {
		for _, topic := range names {
			for p := range g.offsets[topic] {
				out.Records = append(out.Records, offsetTombstone(id, topic, p))
			}
		}
	}
	return out
}
