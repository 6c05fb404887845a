package api

import (
	"context"
	"net"

	"github.com/chronik/chronik/internal/coordinator/group"
	"github.com/chronik/chronik/internal/server"
)

// groupClient is who speaks, as the coordinator records it with a member.
func groupClient(req *server.Request) group.Client {
	host := req.Conn.Remote.String()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return group.Client{ID: req.ClientID, Host: "/" + host}
}

// untilStopping is ctx, ended also when the node begins to stop.
func (h *Handler) untilStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(h.Stopping, cancel)
	return ctx, func() { forget(); cancel() }
}
