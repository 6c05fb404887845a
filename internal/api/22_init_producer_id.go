package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// InitProducerId (key 22), v0–v5.
//
// Behaviour: an id for an idempotent producer (KIP-98), from a block that the
// controller has given this node; epoch 0.
// Versions: v2 flexible; v3 a producer may ask for the next epoch of its id
// (KIP-360), which for one without transactions is a new id, as in Kafka.
// A transactional id is refused: transactions are not served yet.

func (h *Handler) initProducerID(ctx context.Context, _ *server.Request, r *kmsg.InitProducerIDRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch = int64(model.NoProducerID), int16(model.NoProducerEpoch)
	id, err := h.newProducerID(ctx, r)
	if err != nil {
		resp.ErrorCode = wireCode(err)
		return resp, nil
	}
	resp.ProducerID, resp.ProducerEpoch = int64(id), 0
	return resp, nil
}

func (h *Handler) newProducerID(ctx context.Context, r *kmsg.InitProducerIDRequest) (model.ProducerID, error) {
	switch {
	case r.TransactionalID != nil && *r.TransactionalID == "":
		return 0, wire.Errorf(kerr.InvalidRequest, "the transactional id is empty")
	case (r.ProducerID == int64(model.NoProducerID)) != (r.ProducerEpoch == int16(model.NoProducerEpoch)):
		return 0, wire.Errorf(kerr.InvalidRequest, "a producer id goes with its epoch")
	case r.TransactionalID != nil:
		return 0, wire.Errorf(kerr.TransactionalIDAuthorizationFailed, "transactions are not served yet")
	}
	id, err := h.producerIDs.next(ctx)
	if err != nil {
		h.Logger.Warn("no producer id could be had", "error", err)
		return 0, wire.Errorf(kerr.CoordinatorLoadInProgress, "%s", err) // retriable
	}
	return id, nil
}
