package meta

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// String is the endpoint as listeners are written: NAME://host:port.
func (e Endpoint) String() string {
	return e.Listener + "://" + net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// HostFor is the host that a client is told, which has come in at local, an address of
// the node whose endpoint of the same listener self is (e itself, where that node is
// the one asked about). It is Host where there are no candidates, or local
// is not known. Otherwise:
//
//   - for a node on the same machine, local: the client has just reached it;
//   - for another, its address on the network of local. What this machine has for
//     itself is not taken for the other's: every Docker host has the same
//     172.17.0.1, and loopback is always one's own;
//   - else its first address of the kind of local, IPv4 or IPv6, or its first.
//
// Machines are told apart by all their addresses, for the same reason.
func (e Endpoint) HostFor(local netip.Addr, self Endpoint) string {
	local = local.Unmap()
	// A link-local address says nothing without the name that the client's own
	// machine has for the network.
	if len(e.Candidates) == 0 || !local.IsValid() || local.IsUnspecified() || local.IsLinkLocalUnicast() {
		return e.Host
	}
	if slices.Equal(e.Candidates, self.Candidates) {
		return local.String()
	}
	best, most := e.Host, 0
	for _, c := range e.Candidates {
		if fit := fitness(c, local, self); fit > most {
			best, most = c.Addr().String(), fit
		}
	}
	return best
}

// fitness is how well an address of another machine suits a client that has come in at
// local; 0 is not at all.
func fitness(c netip.Prefix, local netip.Addr, self Endpoint) int {
	own := func(other netip.Prefix) bool { return other.Addr() == c.Addr() }
	switch {
	case c.Addr().IsLoopback() || slices.ContainsFunc(self.Candidates, own):
		return 0
	case c.Contains(local):
		return 3 + c.Bits() // the narrowest network
	case c.Addr().Is4() == local.Is4():
		return 2
	}
	return 1
}
