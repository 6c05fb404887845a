package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// Heartbeat (key 12), v0–v4.
//
// Behaviour: keeps a member alive, and tells it of a rebalance. Versions: v3
// static members; v4 flexible.

func (h *Handler) heartbeat(ctx context.Context, req *server.Request, r *kmsg.HeartbeatRequest) (kmsg.Response, error) {
	return h.Groups.Heartbeat(ctx, groupClient(req), r), nil
}
