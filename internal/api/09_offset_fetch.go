package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// OffsetFetch (key 9), v1–v10.
//
// Behaviour: a group's committed offsets; -1 for a partition without one. All of
// the group's since v2 for null topics.
// Versions: v2 top-level error; v5 leader epoch; v6 flexible; v7 require stable
// (KIP-447); v8 several groups (KIP-709); v9 member id and epoch; v10 topic ids
// (KIP-848).

func (h *Handler) offsetFetch(ctx context.Context, _ *server.Request, r *kmsg.OffsetFetchRequest) (kmsg.Response, error) {
	if r.Version < 10 {
		return h.Groups.OffsetFetch(ctx, r), nil
	}
	image := h.Image()
	byName := *r
	byName.Groups = make([]kmsg.OffsetFetchRequestGroup, len(r.Groups))
	unknown := make([][]kmsg.OffsetFetchResponseGroupTopic, len(r.Groups))
	for i, g := range r.Groups {
		byName.Groups[i], unknown[i] = groupByName(image, g)
	}
	resp := h.Groups.OffsetFetch(ctx, &byName)
	for i := range resp.Groups {
		g := &resp.Groups[i]
		if g.ErrorCode != 0 {
			continue
		}
		kept := g.Topics[:0]
		for _, t := range g.Topics {
			// A topic that is gone has no id to name it by.
			if topic := image.Topics.ByName(t.Topic); topic != nil {
				t.TopicID = topic.ID
				kept = append(kept, t)
			}
		}
		g.Topics = append(kept, unknown[i]...)
	}
	return resp, nil
}

// groupByName gives a group's topics their names, and the answer for those ids
// that no topic has.
func groupByName(image *meta.Image, g kmsg.OffsetFetchRequestGroup) (kmsg.OffsetFetchRequestGroup, []kmsg.OffsetFetchResponseGroupTopic) {
	if g.Topics == nil {
		return g, nil
	}
	var unknown []kmsg.OffsetFetchResponseGroupTopic
	topics := make([]kmsg.OffsetFetchRequestGroupTopic, 0, len(g.Topics))
	for _, t := range g.Topics {
		topic, err := resolveTopic(image, true, "", t.TopicID)
		if err == nil {
			t.Topic = topic.Name
			topics = append(topics, t)
			continue
		}
		out := kmsg.NewOffsetFetchResponseGroupTopic()
		out.TopicID = t.TopicID
		for _, index := range t.Partitions {
			p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch, p.ErrorCode = index, -1, -1, wireCode(err)
			p.Metadata = kmsg.StringPtr("")
			out.Partitions = append(out.Partitions, p)
		}
		unknown = append(unknown, out)
	}
	g.Topics = topics
	return g, unknown
}
