package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// RemoveRaftVoter (key 81), v0 (KIP-853).
//
// Behaviour: takes a node's vote; it stays in the cluster as a broker without one. A node that
// leads the metadata quorum hands that on first. It is answered after the change is complete.
// Divergence: refused with INVALID_REQUEST where of the voters left no majority answers.

// membersChangeMax is how long a change of the cluster's nodes may take whose request has no
// timeout.
const membersChangeMax = 15 * time.Second

func (h *Handler) removeRaftVoter(ctx context.Context, _ *server.Request, r *kmsg.RemoveRaftVoterRequest) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, membersChangeMax)
	defer cancel()
	resp := kmsg.NewPtrRemoveRaftVoterResponse()
	err := h.checkClusterID(r.ClusterID)
	if err == nil {
		err = h.Members.RemoveVoter(ctx, model.NodeID(r.VoterID), r.VoterDirectoryID)
	}
	if err != nil {
		err = controllerError(err)
		resp.ErrorCode, resp.ErrorMessage = wireCode(err), message(err)
	}
	return resp, nil
}
