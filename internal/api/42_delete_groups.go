package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// DeleteGroups (key 42), v0–v2.
//
// Behaviour: deletes groups without members, and their offsets (KIP-229).

func (h *Handler) deleteGroups(ctx context.Context, _ *server.Request, r *kmsg.DeleteGroupsRequest) (kmsg.Response, error) {
	return h.Groups.DeleteGroups(ctx, r), nil
}
