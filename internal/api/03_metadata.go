package api

import (
	"context"
	"errors"
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

// Metadata (key 3), v0–v13.
//
// Behaviour: the brokers, at the address of the listener the client came by, and
// the topics asked for; all of them for an empty list in v0 and for null since
// v1. A topic that does not exist is created where auto.create.topics.enable
// and the client allow it, and is there in the same answer.
// Versions: v4 may forbid creation; v7 leader epochs; v8–v10 authorized
// operations; v9 flexible; v10 topic ids, v12 asking by them (KIP-516); v13
// top-level error (KIP-1102).
// Divergence: a topic created by asking is ready in that first answer, where
// Kafka says LEADER_NOT_AVAILABLE or UNKNOWN_TOPIC_OR_PARTITION.

func (h *Handler) metadata(ctx context.Context, req *server.Request, r *kmsg.MetadataRequest) (kmsg.Response, error) {
	failed := h.autoCreate(ctx, r)
	image := h.Image()
	resp := kmsg.NewPtrMetadataResponse()
	resp.ClusterID = kmsg.StringPtr(image.ClusterID)
	resp.ControllerID = int32(h.Node)
	resp.AuthorizedOperations = operations(r.IncludeClusterAuthorizedOperations, clusterOperations)
	for _, b := range reachableBrokers(image, req.Conn.Listener) {
		out := kmsg.NewMetadataResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack = int32(b.id), b.endpoint.Host, int32(b.endpoint.Port), b.rack
		resp.Brokers = append(resp.Brokers, out)
	}
	if r.Topics == nil || r.Version == 0 && len(r.Topics) == 0 {
		for _, topic := range sortedTopics(image) {
			resp.Topics = append(resp.Topics, describeTopic(image, r, topic))
		}
		return resp, nil
	}
	for _, asked := range r.Topics {
		resp.Topics = append(resp.Topics, describeAsked(image, r, asked, failed))
	}
	return resp, nil
}

// reachableBroker is a broker with its address on one listener.
type reachableBroker struct {
	id       model.NodeID
	endpoint meta.Endpoint
	rack     *string
	fenced   bool
}

// reachableBrokers lists the brokers that serve a listener, by id.
func reachableBrokers(image *meta.Image, listener string) []reachableBroker {
	var all []reachableBroker
	for b := range image.Brokers.All() {
		endpoint, ok := b.Endpoint(listener)
		if !ok || b.Fenced {
			continue
		}
		all = append(all, reachableBroker{id: b.ID, endpoint: endpoint, rack: rackOf(b)})
	}
	slices.SortFunc(all, func(a, b reachableBroker) int { return int(a.id) - int(b.id) })
	return all
}

func rackOf(b *meta.Broker) *string {
	if b.Rack == "" {
		return nil
	}
	return &b.Rack
}

func sortedTopics(image *meta.Image) []*meta.Topic {
	topics := make([]*meta.Topic, 0, image.Topics.Len())
	for topic := range image.Topics.All() {
		topics = append(topics, topic)
	}
	slices.SortFunc(topics, func(a, b *meta.Topic) int { return strings.Compare(a.Name, b.Name) })
	return topics
}

func describeAsked(image *meta.Image, r *kmsg.MetadataRequest, asked kmsg.MetadataRequestTopic, failed map[string]error) kmsg.MetadataResponseTopic {
	byID := asked.Topic == nil
	var name string
	if !byID {
		name = *asked.Topic
	}
	topic, err := resolveTopic(image, byID, name, asked.TopicID)
	if err == nil {
		return describeTopic(image, r, topic)
	}
	if why := failed[name]; why != nil {
		err = why
	}
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.ErrorCode = asked.Topic, asked.TopicID, wireCode(err)
	if !byID && !controller.ValidTopicName(name) {
		out.ErrorCode = kerr.InvalidTopicException.Code
	}
	if out.Topic == nil && r.Version < 12 {
		out.Topic = kmsg.StringPtr("") // not nullable there
	}
	out.AuthorizedOperations = notAskedOperations
	return out
}

func describeTopic(image *meta.Image, r *kmsg.MetadataRequest, topic *meta.Topic) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = kmsg.StringPtr(topic.Name), topic.ID, topic.Internal
	out.AuthorizedOperations = operations(r.IncludeTopicAuthorizedOperations, topicOperations)
	out.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(topic.Partitions))
	for i := range topic.Partitions {
		p := &topic.Partitions[i]
		part := kmsg.NewMetadataResponseTopicPartition()
		part.Partition, part.Leader, part.LeaderEpoch = int32(i), int32(p.Leader), int32(p.LeaderEpoch)
		part.Replicas, part.ISR = nodeIDs(p.Replicas), nodeIDs(p.ISR)
		part.OfflineReplicas = nodeIDs(offlineReplicas(image, p))
		if p.Leader == model.NoNode {
			part.ErrorCode = kerr.LeaderNotAvailable.Code
		}
		out.Partitions[i] = part
	}
	return out
}

// offlineReplicas are those whose broker is not there.
func offlineReplicas(image *meta.Image, p *meta.Partition) []model.NodeID {
	var offline []model.NodeID
	for _, id := range p.Replicas {
		if b := image.Brokers.ByID(id); b == nil || b.Fenced {
			offline = append(offline, id)
		}
	}
	return offline
}

func nodeIDs(ids []model.NodeID) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// autoCreate creates the topics that are asked for by name and do not exist,
// and returns why those that it could not create are not there.
func (h *Handler) autoCreate(ctx context.Context, r *kmsg.MetadataRequest) map[string]error {
	if !h.AutoCreateTopics || r.Version >= 4 && !r.AllowAutoTopicCreation {
		return nil
	}
	image := h.Image()
	create := controller.CreateTopics{}
	for _, asked := range r.Topics {
		if asked.Topic == nil || image.Topics.ByName(*asked.Topic) != nil || !controller.ValidTopicName(*asked.Topic) {
			continue
		}
		create.Topics = append(create.Topics, controller.CreateTopic{
			Name: *asked.Topic, Partitions: int32(h.DefaultPartitions), ReplicationFactor: h.DefaultReplicationFactor,
		})
	}
	if len(create.Topics) == 0 {
		return nil
	}
	failed := make(map[string]error)
	result, err := submit[controller.CreateTopicsResult](ctx, h.Controller, create)
	if err != nil {
		for _, t := range create.Topics {
			failed[t.Name] = wire.Errorf(kerr.LeaderNotAvailable, "%s", err)
		}
		return failed
	}
	for _, t := range result.Topics {
		// Another request may have been faster: then the topic is there.
		if t.Err != nil && !errors.Is(kerr.ErrorForCode(int16(t.Err.Code)), kerr.TopicAlreadyExists) {
			failed[t.Name] = t.Err
		}
	}
	return failed
}
