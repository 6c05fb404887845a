package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// OffsetDelete (key 47), v0.
//
// Behaviour: deletes committed offsets of topics that no member of the group
// is subscribed to (KIP-496).

func (h *Handler) offsetDelete(ctx context.Context, _ *server.Request, r *kmsg.OffsetDeleteRequest) (kmsg.Response, error) {
	return h.Groups.OffsetDelete(ctx, r), nil
}
