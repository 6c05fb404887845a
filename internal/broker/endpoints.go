package broker

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// endpoints is what clients are told: the advertised addresses, with the bound port
// where none was given. Where a listener is advertised at what suits each client, it
// has every address that it is bound to.
func endpoints(listeners []config.Listener, bound []server.Listen) ([]meta.Endpoint, error) {
	all := make([]meta.Endpoint, 0, len(listeners))
	for _, l := range listeners {
		e := meta.Endpoint{Listener: l.Name, Host: l.AdvertisedHost, Port: l.AdvertisedPort, Protocol: string(l.Protocol)}
		var addresses []netip.AddrPort
		for _, b := range bound {
			if a, ok := b.Listener.Addr().(*net.TCPAddr); ok && b.Name == l.Name {
				addresses = append(addresses, a.AddrPort())
			}
		}
		if e.Port == 0 && len(addresses) > 0 {
			e.Port = addresses[0].Port()
		}
		if l.AdvertiseAuto {
			machine, err := machineAddresses()
			if err != nil {
				return nil, fmt.Errorf("listener %s: find this machine's addresses: %w", l.Name, err)
			}
			if e.Candidates = candidates(machine, addresses); len(e.Candidates) == 0 {
				return nil, fmt.Errorf("listener %s is bound to no address that clients could be told; name one with --advertised-addr or advertised.listeners", l.Name)
			}
			e.Host = firstHost(e.Candidates)
		}
		all = append(all, e)
	}
	return all, nil
}

// machineAddresses are the addresses of the interfaces that are up, each with its
// network. Link-local ones are left out: they mean nothing to another machine.
func machineAddresses() ([]netip.Prefix, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []netip.Prefix
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && !p.Addr().IsLinkLocalUnicast() && !p.Addr().IsMulticast() {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// candidates are those of the machine's addresses at which a listener is bound. One
// bound to every IPv6 address has the IPv4 ones, too.
func candidates(machine []netip.Prefix, bound []netip.AddrPort) []netip.Prefix {
	var found []netip.Prefix
	for _, p := range machine {
		reaches := func(b netip.AddrPort) bool {
			a := b.Addr().Unmap().WithZone("")
			return a == p.Addr() || a.IsUnspecified() && (a.Is6() || p.Addr().Is4())
		}
		if slices.ContainsFunc(bound, reaches) && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	return found
}

// firstHost is what a client is told where nothing suits it better: the first address
// that is not this machine's loopback, IPv4 before IPv6, since every client speaks it.
func firstHost(candidates []netip.Prefix) string {
	best := slices.MinFunc(candidates, func(a, b netip.Prefix) int { return reach(a.Addr()) - reach(b.Addr()) })
	return best.Addr().String()
}

func reach(a netip.Addr) int {
	switch {
	case a.IsLoopback():
		return 2
	case a.Is6():
		return 1
	}
	return 0
}
