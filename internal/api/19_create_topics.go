package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/wire"
)

// CreateTopics (key 19), v2–v7.
//
// Behaviour: each topic by itself is created or refused; one that is named twice
// is refused. The topic is ready, and its leader elected, when the answer comes.
// Versions: v4 defaults for -1 (KIP-464); v5 flexible, and what was created
// (KIP-525); v7 topic ids.

func (h *Handler) createTopics(ctx context.Context, _ *server.Request, r *kmsg.CreateTopicsRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	command := controller.CreateTopics{ValidateOnly: r.ValidateOnly}
	for i := range r.Topics {
		command.Topics = append(command.Topics, h.newTopic(r.Version, &r.Topics[i]))
	}
	resp := kmsg.NewPtrCreateTopicsResponse()
	result, err := submit[controller.CreateTopicsResult](ctx, h.Controller, command)
	if err != nil {
		for i := range r.Topics {
			result.Topics = append(result.Topics, controller.CreatedTopic{Name: r.Topics[i].Topic, Err: asWire(err)})
		}
	}
	for i := range result.Topics {
		resp.Topics = append(resp.Topics, h.createdTopic(&result.Topics[i]))
	}
	return resp, nil
}

func (h *Handler) newTopic(version int16, t *kmsg.CreateTopicsRequestTopic) controller.CreateTopic {
	topic := controller.CreateTopic{
		Name: t.Topic, Partitions: t.NumPartitions, ReplicationFactor: t.ReplicationFactor,
		Configs: make(map[string]*string, len(t.Configs)),
	}
	if topic.Partitions == -1 && version >= 4 && len(t.ReplicaAssignment) == 0 {
		topic.Partitions = int32(h.DefaultPartitions)
	}
	if topic.ReplicationFactor == -1 && version >= 4 && len(t.ReplicaAssignment) == 0 {
		topic.ReplicationFactor = h.DefaultReplicationFactor
	}
	if len(t.ReplicaAssignment) > 0 {
		topic.Assignments = make(map[model.Partition][]model.NodeID, len(t.ReplicaAssignment))
		for _, a := range t.ReplicaAssignment {
			topic.Assignments[model.Partition(a.Partition)] = nodes(a.Replicas)
		}
	}
	for _, c := range t.Configs {
		topic.Configs[c.Name] = c.Value
	}
	return topic
}

func nodes(ids []int32) []model.NodeID {
	out := make([]model.NodeID, len(ids))
	for i, id := range ids {
		out[i] = model.NodeID(id)
	}
	return out
}

// asWire is an error in the form that results carry.
func asWire(err error) *wire.Error {
	return &wire.Error{Code: wire.Code(wireCode(err)), Message: *message(err)}
}

func (h *Handler) createdTopic(t *controller.CreatedTopic) kmsg.CreateTopicsResponseTopic {
	out := kmsg.NewCreateTopicsResponseTopic()
	out.Topic, out.NumPartitions, out.ReplicationFactor = t.Name, -1, -1
	if t.Err != nil {
		out.ErrorCode, out.ErrorMessage = int16(t.Err.Code), kmsg.StringPtr(t.Err.Message)
		return out
	}
	out.TopicID, out.NumPartitions, out.ReplicationFactor = t.ID, t.Partitions, t.ReplicationFactor
	layers := h.brokerLayers(h.Image(), h.Node)
	layers.Topic, layers.ReplicationFactor = t.Configs, int(t.ReplicationFactor)
	for _, e := range layers.TopicSettings() {
		c := kmsg.NewCreateTopicsResponseTopicConfig()
		c.Name, c.Value, c.Source, c.IsSensitive = e.Name, shownValue(e), int8(e.Source), e.Sensitive
		out.Configs = append(out.Configs, c)
	}
	return out
}

// shownValue is a setting's value as clients may see it.
func shownValue(e settings.Effective) *string {
	if e.IsNull || e.Sensitive {
		return nil
	}
	return kmsg.StringPtr(e.Value)
}
