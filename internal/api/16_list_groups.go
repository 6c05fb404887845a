package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// ListGroups (key 16), v0–v5.
//
// Behaviour: the groups that this node coordinates. Versions: v3 flexible; v4
// by state (KIP-518); v5 by type (KIP-848).

func (h *Handler) listGroups(ctx context.Context, _ *server.Request, r *kmsg.ListGroupsRequest) (kmsg.Response, error) {
	return h.Groups.ListGroups(ctx, r), nil
}
