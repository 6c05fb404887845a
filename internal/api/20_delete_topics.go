package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
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
	for _, t := range r.Topics {
		out := kmsg.NewDeleteTopicsResponseTopic()
		out.Topic, out.TopicID = t.Topic, t.TopicID
		deleted, err := h.deleteTopic(ctx, t)
		if err == nil {
			out.Topic, out.TopicID = kmsg.StringPtr(deleted.Name), deleted.ID
		}
		out.ErrorCode, out.ErrorMessage = wireCode(err), message(err)
		resp.Topics = append(resp.Topics, out)
	}
	return resp, nil
}

func (h *Handler) deleteTopic(ctx context.Context, t kmsg.DeleteTopicsRequestTopic) (controller.DeletedTopic, error) {
	if !h.DeleteTopicsAllowed {
		return controller.DeletedTopic{}, wire.Errorf(kerr.TopicDeletionDisabled, "delete.topic.enable is false")
	}
	command := controller.DeleteTopics{}
	if t.Topic != nil {
		command.Topics = []controller.DeleteTopic{{Name: *t.Topic}}
	} else {
		command.Topics = []controller.DeleteTopic{{ID: model.TopicID(t.TopicID)}}
	}
	result, err := submit[controller.DeleteTopicsResult](ctx, h.Controller, command)
	if err != nil {
		return controller.DeletedTopic{}, err
	}
	deleted := result.Topics[0]
	if deleted.Err != nil {
		return controller.DeletedTopic{}, deleted.Err
	}
	return deleted, nil
}
