package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// UnregisterBroker (key 64), v0 (KIP-500).
//
// Behaviour: forgets a broker, and has it learn the metadata no more. One that still runs
// stops.
// Divergence: refused with INVALID_REQUEST while partitions have replicas on the broker, or
// it is a voter of the metadata quorum.
func (h *Handler) unregisterBroker(ctx context.Context, _ *server.Request, r *kmsg.UnregisterBrokerRequest) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, membersChangeMax)
	defer cancel()
	resp := kmsg.NewPtrUnregisterBrokerResponse()
	if err := h.Members.Unregister(ctx, model.NodeID(r.BrokerID)); err != nil {
		err = controllerError(err)
		resp.ErrorCode, resp.ErrorMessage = wireCode(err), message(err)
	}
	return resp, nil
}
