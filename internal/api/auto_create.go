package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/coordinator/group"
	"github.com/chronik/chronik/internal/wire"
)

// autoCreate creates the topics that are asked for by name and do not exist,
// and returns why those that it could not create are not there.
func (h *Handler) autoCreate(ctx context.Context, r *kmsg.MetadataRequest) map[string]error {
	if !h.AutoCreateTopics || r.Version >= 4 && !r.AllowAutoTopicCreation {
		return nil
	}
	image := h.Image()
	failed := make(map[string]error)
	create := controller.CreateTopics{}
	asked := make(map[string]bool, len(r.Topics))
	for _, t := range r.Topics {
		if t.Topic == nil || asked[*t.Topic] || image.Topics.ByName(*t.Topic) != nil || !controller.ValidTopicName(*t.Topic) {
			continue
		}
		asked[*t.Topic] = true
		if *t.Topic == group.OffsetsTopic { // its settings are its own
			if err := h.createOffsetsTopic(ctx); err != nil {
				failed[*t.Topic] = wire.Errorf(kerr.LeaderNotAvailable, "%s", err)
			}
			continue
		}
		create.Topics = append(create.Topics, controller.CreateTopic{
			Name: *t.Topic, Partitions: int32(h.DefaultPartitions), ReplicationFactor: h.DefaultReplicationFactor,
		})
	}
	if len(create.Topics) > 0 {
		h.createAsked(ctx, create, failed)
	}
	return failed
}

func (h *Handler) createAsked(ctx context.Context, create controller.CreateTopics, failed map[string]error) {
	result, err := submit[controller.CreateTopicsResult](ctx, h.Controller, create)
	if err != nil {
		for _, t := range create.Topics {
			failed[t.Name] = wire.Errorf(kerr.LeaderNotAvailable, "%s", err)
		}
		return
	}
	for _, t := range result.Topics {
		// Another request may have been faster: then the topic is there.
		if t.Err != nil && t.Err.Code != wire.CodeOf(kerr.TopicAlreadyExists) {
			failed[t.Name] = t.Err
		}
	}
}
