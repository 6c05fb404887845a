package api

import (
	"context"
	"fmt"
	"iter"
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
// Divergence: a node that is out of touch with the others resets the connection, where
// Kafka tells what it has last heard. The Java client asks a node that it is connected to
// again and again, and was told of the old leader for as long as that was cut off, two
// minutes and more; franz-go asks another node five seconds after any answer, and at once
// where there was none.
//
// A topic created by asking is ready in that first answer, where
// Kafka says LEADER_NOT_AVAILABLE or UNKNOWN_TOPIC_OR_PARTITION.

func (h *Handler) metadata(ctx context.Context, req *server.Request, r *kmsg.MetadataRequest) (kmsg.Response, error) {
	if h.OutOfTouch() {
		return nil, fmt.Errorf("%w: this node is out of touch with the others, one of which may know more", server.ErrReset)
	}
	failed := h.autoCreate(ctx, r)
	image := h.imageWith(ctx, len(r.Topics), func(image *meta.Image, i int) bool {
		_, err := findAsked(image, r.Version, r.Topics[i])
		return err == nil
	})
	image = h.awaitElections(ctx, req.Received, image, leadersAsked(r))
	resp := kmsg.NewPtrMetadataResponse()
	resp.ClusterID = kmsg.StringPtr(image.ClusterID)
	resp.ControllerID = int32(h.controllerID(image))
	resp.AuthorizedOperations = operations(r.IncludeClusterAuthorizedOperations, clusterOperations)
	v := metadataView{image: image, request: r, serving: map[model.NodeID]bool{}}
	for _, b := range h.reachableBrokers(image, req.Conn) {
		v.serving[b.id] = true
		out := kmsg.NewMetadataResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack = int32(b.id), b.endpoint.Host, int32(b.endpoint.Port), b.rack
		resp.Brokers = append(resp.Brokers, out)
	}
	if r.Topics == nil || r.Version == 0 && len(r.Topics) == 0 {
		for _, topic := range sortedTopics(image) {
			resp.Topics = append(resp.Topics, v.describeTopic(topic))
		}
		return resp, nil
	}
	// A topic that is asked for twice is answered for once, as in Kafka; clients
	// key their caches by it.
	type identity struct {
		name string
		id   model.TopicID
	}
	told := make(map[identity]bool, len(r.Topics))
	for _, asked := range r.Topics {
		topic := v.describeAsked(asked, failed)
		key := identity{id: topic.TopicID}
		if topic.Topic != nil {
			key.name = *topic.Topic
		}
		if !told[key] {
			told[key] = true
			resp.Topics = append(resp.Topics, topic)
		}
	}
	return resp, nil
}

// metadataView is what a request is answered from.
type metadataView struct {
	image   *meta.Image
	request *kmsg.MetadataRequest
	// serving are the brokers that the client can reach, by its listener.
	serving map[model.NodeID]bool
}

// leadersAsked are the leaders of what a request asks for by name.
func leadersAsked(r *kmsg.MetadataRequest) func(*meta.Image) iter.Seq[model.NodeID] {
	return func(image *meta.Image) iter.Seq[model.NodeID] {
		return func(yield func(model.NodeID) bool) {
			for _, asked := range r.Topics {
				topic, err := findAsked(image, r.Version, asked)
				if err != nil {
					continue
				}
				for i := range topic.Partitions {
					if !yield(topic.Partitions[i].Leader) {
						return
					}
				}
			}
		}
	}
}

// reachableBroker is a broker with its address on one listener.
type reachableBroker struct {
	id       model.NodeID
	endpoint meta.Endpoint
	rack     *string
}

// reachableBrokers lists the brokers that serve the listener of conn, by id.
func (h *Handler) reachableBrokers(image *meta.Image, conn *server.ConnInfo) []reachableBroker {
	var all []reachableBroker
	for b := range image.Brokers.All() {
		endpoint, ok := h.endpoint(image, b, conn)
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

func (v *metadataView) describeAsked(asked kmsg.MetadataRequestTopic, failed map[string]error) kmsg.MetadataResponseTopic {
	r := v.request
	topic, err := findAsked(v.image, r.Version, asked)
	if err == nil {
		return v.describeTopic(topic)
	}
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID = asked.Topic, asked.TopicID
	out.AuthorizedOperations = operations(r.IncludeTopicAuthorizedOperations, topicOperations)
	switch {
	case asked.Topic == nil:
	case failed[*asked.Topic] != nil:
		err = failed[*asked.Topic]
	case codeOf(err) == kerr.UnknownTopicOrPartition && !controller.ValidTopicName(*asked.Topic):
		err = wire.Errorf(kerr.InvalidTopicException, "no topic can have the name %q", *asked.Topic)
	}
	out.ErrorCode = wireCode(err)
	if out.Topic == nil && r.Version < 12 {
		out.Topic = kmsg.StringPtr("") // not nullable there
	}
	return out
}

// findAsked finds a topic by the id or the name that a client has given. Ids
// stand in requests since v10, and may be used since v12.
func findAsked(image *meta.Image, version int16, asked kmsg.MetadataRequestTopic) (*meta.Topic, error) {
	byID := asked.TopicID != [16]byte{}
	switch {
	case byID && version < 12, !byID && asked.Topic == nil:
		return nil, wire.Errorf(kerr.InvalidRequest, "topics are asked for by name, or since v12 by id")
	case byID:
		return resolveTopic(image, true, "", asked.TopicID)
	}
	return resolveTopic(image, false, *asked.Topic, model.TopicID{})
}

func (v *metadataView) describeTopic(topic *meta.Topic) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = kmsg.StringPtr(topic.Name), topic.ID, topic.Internal
	out.AuthorizedOperations = operations(v.request.IncludeTopicAuthorizedOperations, topicOperations)
	out.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(topic.Partitions))
	for i := range topic.Partitions {
		p := &topic.Partitions[i]
		part := kmsg.NewMetadataResponseTopicPartition()
		part.Partition, part.Leader, part.LeaderEpoch = int32(i), int32(p.Leader), int32(p.LeaderEpoch)
		part.Replicas, part.ISR = nodeIDs(p.Replicas), nodeIDs(p.ISR)
		part.OfflineReplicas = nodeIDs(offlineReplicas(v.image, p))
		if !v.serving[p.Leader] {
			part.Leader, part.ErrorCode = int32(model.NoNode), v.noLeader(p.Leader)
		}
		out.Partitions[i] = part
	}
	return out
}

// noLeader is why a client is told of no leader: there is none, or none that the
// client could reach. Before v6 it was not told the difference.
func (v *metadataView) noLeader(leader model.NodeID) int16 {
	if b := v.image.Brokers.ByID(leader); b != nil && !b.Fenced && v.request.Version >= 6 {
		return kerr.ListenerNotFound.Code
	}
	return kerr.LeaderNotAvailable.Code
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
