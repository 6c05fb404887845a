package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
)

// FetchOffsets looks offsets up: those asked for, or all where Topics is nil. A
// group that is not there has none. There are no offsets of open transactions
// yet, so every offset is stable (KIP-447).
func (s *Groups) FetchOffsets(w *waiter, r kmsg.OffsetFetchRequestGroup) outcome {
	resp := kmsg.NewOffsetFetchResponseGroup()
	resp.Group = r.Group
	g := s.groups[r.Group]
	asked := r.Topics
	if asked == nil && g != nil {
		asked = g.committed()
	}
	for _, t := range asked {
		found := kmsg.NewOffsetFetchResponseGroupTopic()
		found.Topic, found.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			found.Partitions = append(found.Partitions, g.fetch(t.Topic, model.Partition(p)))
		}
		resp.Topics = append(resp.Topics, found)
	}
	return answer(w, resp)
}

// fetch is the offset of one partition, or that there is none. g may be nil.
func (g *group) fetch(topic string, p model.Partition) kmsg.OffsetFetchResponseGroupTopicPartition {
	found := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	empty := ""
	found.Partition, found.Offset, found.LeaderEpoch, found.Metadata = int32(p), -1, -1, &empty
	if g == nil {
		return found
	}
	if o, ok := g.offsets[topic][p]; ok {
		found.Offset, found.LeaderEpoch, found.Metadata = int64(o.offset), int32(o.leaderEpoch), &o.metadata
	}
	return found
}

// committed lists what the group has offsets of, in order.
func (g *group) committed() []kmsg.OffsetFetchRequestGroupTopic {
	var list []kmsg.OffsetFetchRequestGroupTopic
	for topic, partitions := range g.offsets {
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic = topic
		for p, o := range partitions {
			t.Partitions = append(t.Partitions, int32(p))
			t.TopicID = o.topicID
		}
		slices.Sort(t.Partitions)
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b kmsg.OffsetFetchRequestGroupTopic) int {
		if a.Topic < b.Topic {
			return -1
		}
		return 1
	})
	return list
}
