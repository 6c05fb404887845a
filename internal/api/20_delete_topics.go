package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// DeleteTopics (key 20), v1–v6.
//
// Behaviour: topics by name, or since v6 by id (KIP-516). The offsets that groups
// have committed for them go too. Refused with TOPIC_DELETION_DISABLED where
// delete.topic.enable is false.

func (h *Handler) deleteTopics(ctx context.Context, _ *server.Request, r *kmsg.DeleteTopicsRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	if r.Version < 6 {
		for _, name := range r.TopicNames {
			t := kmsg.NewDeleteTopicsRequestTopic()
			t.Topic = kmsg.StringPtr(name)
			r.Topics = append(r.Topics, t)
		}
	}
	resp := kmsg.NewPtrDeleteTopicsResponse()
	deleted, err := h.submitDeletion(ctx, r)
	for i, t := range r.Topics {
		out := kmsg.NewDeleteTopicsResponseTopic()
		out.Topic, out.TopicID = t.Topic, t.TopicID
		why := err
		if err == nil {
			out.TopicID = deleted[i].ID
			if deleted[i].Name != "" {
				out.Topic = kmsg.StringPtr(deleted[i].Name)
			}
			if deleted[i].Err != nil {
				why = deleted[i].Err
			}
		}
		out.ErrorCode, out.ErrorMessage = wireCode(why), message(why)
		resp.Topics = append(resp.Topics, out)
	}
	return resp, nil
}

// submitDeletion has the controller delete all topics by one command, so that
// one which is named twice is refused and not deleted by its first name.
func (h *Handler) submitDeletion(ctx context.Context, r *kmsg.DeleteTopicsRequest) ([]controller.DeletedTopic, error) {
	if !h.DeleteTopicsAllowed {
		return nil, wire.Errorf(kerr.TopicDeletionDisabled, "delete.topic.enable is false")
	}
	command := controller.DeleteTopics{Topics: make([]controller.DeleteTopic, len(r.Topics))}
	for i, t := range r.Topics {
		command.Topics[i].ID = t.TopicID
		if t.Topic != nil {
			command.Topics[i].Name = *t.Topic
		}
	}
	result, err := submit[controller.DeleteTopicsResult](ctx, h.Controller, command)
	if err != nil {
		return nil, err
	}
	return refuseNameless(result.Topics, command.Topics), nil
}

// refuseNameless says what is wrong with topics that have neither a name nor an
// id, rather than that there is no topic with id 0.
func refuseNameless(deleted []controller.DeletedTopic, asked []controller.DeleteTopic) []controller.DeletedTopic {
	for i, t := range asked {
		if t.Name == "" && t.ID.IsZero() {
			deleted[i].Err = wire.Errorf(kerr.InvalidRequest, "neither a topic's name nor its id is given")
		}
	}
	return deleted
}
