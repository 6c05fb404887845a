package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// LeaveGroup (key 13), v0–v5.
//
// Behaviour: members leave; the group rebalances without waiting for their
// sessions. Versions: v3 several members, static ones by instance id
// (KIP-345); v4 flexible; v5 reason (KIP-800).

func (h *Handler) leaveGroup(ctx context.Context, req *server.Request, r *kmsg.LeaveGroupRequest) (kmsg.Response, error) {
	return h.Groups.LeaveGroup(ctx, groupClient(req), r), nil
}
