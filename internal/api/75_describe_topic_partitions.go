package api

import (
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// DescribeTopicPartitions (key 75), v0 (KIP-966).
//
// Behaviour: topics by name with their partitions, page by page: an answer
// holds at most the client's limit, and at most
// max.request.partition.size.limit, partitions, and says where to go on.
// There are no eligible leader replicas besides the in-sync set: chronik elects
// from that alone.

func (h *Handler) describeTopicPartitions(_ context.Context, _ *server.Request, r *kmsg.DescribeTopicPartitionsRequest) (kmsg.Response, error) {
	image := h.Image()
	left := h.DescribePartitionsMax
	left = max(1, min(left, int(r.ResponsePartitionLimit)))
	resp := kmsg.NewPtrDescribeTopicPartitionsResponse()
	for _, name := range topicNamesFrom(image, r) {
		first := 0
		if r.Cursor != nil && r.Cursor.Topic == name {
			first = max(0, int(r.Cursor.Partition))
		}
		topic, err := resolveNamed(image, name)
		if err != nil {
			out := kmsg.NewDescribeTopicPartitionsResponseTopic()
			out.Topic, out.ErrorCode, out.AuthorizedOperations = kmsg.StringPtr(name), wireCode(err), topicOperations
			resp.Topics = append(resp.Topics, out)
			continue
		}
		if left == 0 {
			resp.NextCursor = nextCursor(name, first)
			return resp, nil
		}
		end := min(len(topic.Partitions), first+left)
		resp.Topics = append(resp.Topics, describePartitions(image, topic, first, end))
		left -= max(0, end-first)
		if end < len(topic.Partitions) {
			resp.NextCursor = nextCursor(name, end)
			return resp, nil
		}
	}
	return resp, nil
}

// resolveNamed finds a topic, and tells a name that no topic can have.
func resolveNamed(image *meta.Image, name string) (*meta.Topic, error) {
	topic, err := resolveTopic(image, false, name, model.TopicID{})
	if err != nil && !controller.ValidTopicName(name) {
		err = wire.Errorf(kerr.InvalidTopicException, "no topic can have the name %q", name)
	}
	return topic, err
}

func nextCursor(topic string, partition int) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	c := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	c.Topic, c.Partition = topic, int32(partition)
	return &c
}

// topicNamesFrom lists the topics asked for, or all, by name and from the
// cursor on.
func topicNamesFrom(image *meta.Image, r *kmsg.DescribeTopicPartitionsRequest) []string {
	var names []string
	for _, t := range r.Topics {
		names = append(names, t.Topic)
	}
	if len(r.Topics) == 0 {
		for topic := range image.Topics.All() {
			names = append(names, topic.Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if r.Cursor != nil {
		i, _ := slices.BinarySearchFunc(names, r.Cursor.Topic, strings.Compare)
		names = names[i:]
	}
	return names
}

func describePartitions(image *meta.Image, topic *meta.Topic, first, end int) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = kmsg.StringPtr(topic.Name), topic.ID, topic.Internal
	out.AuthorizedOperations = topicOperations
	for i := first; i < end; i++ {
		p := &topic.Partitions[i]
		part := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		part.Partition, part.LeaderID, part.LeaderEpoch = int32(i), int32(p.Leader), int32(p.LeaderEpoch)
		part.Replicas, part.ISR = nodeIDs(p.Replicas), nodeIDs(p.ISR)
		part.EligibleLeaderReplicas, part.LastKnownELR = []int32{}, []int32{}
		part.OfflineReplicas = nodeIDs(offlineReplicas(image, p))
		out.Partitions = append(out.Partitions, part)
	}
	return out
}
