package api

import (
	"context"
	"errors"
	"iter"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator/group"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// FindCoordinator (key 10), v0–v6.
//
// Behaviour: the leader of the partition of __consumer_offsets that the group's
// name hashes to. The topic is created when it is first asked for.
// Versions: v1 key types; v3 flexible; v4 several keys (KIP-699).
// Transactions and share groups are not served yet: their key types are refused
// with INVALID_REQUEST, and nothing in ApiVersions leads a client to ask.

const groupKeyType = 0

func (h *Handler) findCoordinator(ctx context.Context, req *server.Request, r *kmsg.FindCoordinatorRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	if r.Version < 4 {
		c := h.coordinatorOf(ctx, req, r, r.CoordinatorKey)
		resp.ErrorCode, resp.ErrorMessage = c.ErrorCode, c.ErrorMessage
		resp.NodeID, resp.Host, resp.Port = c.NodeID, c.Host, c.Port
		return resp, nil
	}
	for _, key := range r.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, h.coordinatorOf(ctx, req, r, key))
	}
	return resp, nil
}

func (h *Handler) coordinatorOf(ctx context.Context, req *server.Request, r *kmsg.FindCoordinatorRequest, key string) kmsg.FindCoordinatorResponseCoordinator {
	out := kmsg.NewFindCoordinatorResponseCoordinator()
	out.Key, out.NodeID, out.Port = key, -1, -1
	node, endpoint, err := h.findGroupCoordinator(ctx, req, r.CoordinatorType, key)
	if err != nil {
		out.ErrorCode, out.ErrorMessage = wireCode(err), message(err)
		return out
	}
	out.NodeID, out.Host, out.Port = int32(node), endpoint.Host, int32(endpoint.Port)
	return out
}

func (h *Handler) findGroupCoordinator(ctx context.Context, req *server.Request, keyType int8, key string) (model.NodeID, meta.Endpoint, error) {
	if keyType != groupKeyType {
		return 0, meta.Endpoint{}, wire.Errorf(kerr.InvalidRequest, "coordinators of type %d are not served yet", keyType)
	}
	topic := h.Image().Topics.ByName(group.OffsetsTopic)
	if topic == nil {
		if err := h.createOffsetsTopic(ctx); err != nil {
			h.Logger.Warn("creating the offsets topic did not work", "error", err)
			return 0, meta.Endpoint{}, errNoCoordinator()
		}
		topic = h.Image().Topics.ByName(group.OffsetsTopic)
	}
	if topic == nil {
		return 0, meta.Endpoint{}, errNoCoordinator()
	}
	partition, leader := h.Groups.PartitionFor(key), model.NoNode
	image := h.awaitElections(ctx, req.Received, h.Image(), func(image *meta.Image) iter.Seq[model.NodeID] {
		return func(yield func(model.NodeID) bool) {
			if topic := image.Topics.ByName(group.OffsetsTopic); topic != nil {
				yield(topic.Partitions[partition].Leader)
			}
		}
	})
	if topic = image.Topics.ByName(group.OffsetsTopic); topic != nil {
		leader = topic.Partitions[partition].Leader
	}
	broker := image.Brokers.ByID(leader)
	if broker == nil || leader == h.Node && h.OutOfTouch() {
		return 0, meta.Endpoint{}, errNoCoordinator()
	}
	endpoint, ok := h.endpoint(image, broker, req.Conn)
	if !ok {
		return 0, meta.Endpoint{}, errNoCoordinator()
	}
	return leader, endpoint, nil
}

func errNoCoordinator() error {
	return wire.Errorf(kerr.CoordinatorNotAvailable, "the group's coordinator is not available at this moment")
}

// createOffsetsTopic creates __consumer_offsets; that another request was
// faster is no error.
func (h *Handler) createOffsetsTopic(ctx context.Context) error {
	err := h.CreateOffsetsTopic(ctx)
	var known *wire.Error
	if errors.As(err, &known) && known.Code == wire.CodeOf(kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}
