package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// JoinGroup (key 11), v0–v9.
//
// Behaviour: a member joins or rejoins; the reply waits until the group has a
// generation, or the node stops.
// Versions: v4 members need an id first (KIP-394); v5 static members (KIP-345);
// v6 flexible; v7 protocol type (KIP-559); v8 reason (KIP-800); v9 skip
// assignment (KIP-814).

func (h *Handler) joinGroup(ctx context.Context, req *server.Request, r *kmsg.JoinGroupRequest) (kmsg.Response, error) {
	ctx, release := h.untilStopping(ctx)
	defer release()
	return h.Groups.JoinGroup(ctx, groupClient(req), r), nil
}
