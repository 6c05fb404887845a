package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// DescribeGroups (key 15), v0–v6.
//
// Behaviour: the state and members of groups that this node coordinates.
// Versions: v3 authorized operations; v4 static members; v5 flexible; v6
// GROUP_ID_NOT_FOUND for a group that does not exist, where earlier ones say
// Dead (KIP-1043).

func (h *Handler) describeGroups(ctx context.Context, _ *server.Request, r *kmsg.DescribeGroupsRequest) (kmsg.Response, error) {
	return h.Groups.DescribeGroups(ctx, r), nil
}
