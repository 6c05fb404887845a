package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// AddRaftVoter (key 80), v0–v1 (KIP-853).
//
// Behaviour: gives a node a vote that has joined the cluster without one, when it has caught
// up with the metadata. It is answered after the change is complete.
// Versions: v1 the answer need not wait for that; here it always does.
// Divergence: the listeners that are named are not looked at: a node has registered where
// the others reach it.
func (h *Handler) addRaftVoter(ctx context.Context, _ *server.Request, r *kmsg.AddRaftVoterRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	resp := kmsg.NewPtrAddRaftVoterResponse()
	err := h.checkClusterID(r.ClusterID)
	if err == nil {
		err = h.Members.AddVoter(ctx, model.NodeID(r.VoterID), r.VoterDirectoryID)
	}
	if err != nil {
		err = controllerError(err)
		resp.ErrorCode, resp.ErrorMessage = wireCode(err), message(err)
	}
	return resp, nil
}

// checkClusterID refuses what is meant for another cluster.
func (h *Handler) checkClusterID(id *string) error {
	if own := h.Image().ClusterID; id != nil && *id != own {
		return wire.Errorf(kerr.InconsistentClusterID, "this is cluster %s, not %s", own, *id)
	}
	return nil
}
