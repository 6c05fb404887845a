package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// SyncGroup (key 14), v0–v5.
//
// Behaviour: the leader brings the assignment, every member waits for its
// own, or for the node to stop.
// Versions: v3 static members; v4 flexible; v5 protocol type and name (KIP-559).

func (h *Handler) syncGroup(ctx context.Context, req *server.Request, r *kmsg.SyncGroupRequest) (kmsg.Response, error) {
	ctx, release := h.untilStopping(ctx)
	defer release()
	return h.Groups.SyncGroup(ctx, groupClient(req), r), nil
}
