package api

import (
	"net"
	"net/netip"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// endpoint is what a client that came by conn is told of a broker: its address on
// the same listener. Where the broker has several for it to choose from, that is the
// one on the network that the client came in by. It is false where the broker does
// not have the listener.
func (h *Handler) endpoint(image *meta.Image, b *meta.Broker, conn *server.ConnInfo) (meta.Endpoint, bool) {
	e, ok := b.Endpoint(conn.Listener)
	if !ok || len(e.Candidates) == 0 {
		return e, ok
	}
	var self meta.Endpoint
	if own := image.Brokers.ByID(h.Node); own != nil {
		self, _ = own.Endpoint(conn.Listener)
	}
	e.Host = e.HostFor(localAddress(conn), self)
	return e, true
}

// localAddress is the address of this machine that the client has reached; invalid
// where that is not known.
func localAddress(conn *server.ConnInfo) netip.Addr {
	if a, ok := conn.Local.(*net.TCPAddr); ok {
		return a.AddrPort().Addr()
	}
	return netip.Addr{}
}
