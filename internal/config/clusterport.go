package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The origins of the cluster port's address that are not where a setting was given.
const (
	controllerOrigin = "controller.listener.names"
	defaultOrigin    = "the default of raft.addr"
)

// clusterEndpoint is where the other nodes connect to: raft.addr, or else what says
// the same in Kafka's terms.
func clusterEndpoint(g given, nodes []nodeAddress, self int, l listening) (bind endpoint, origin string, err error) {
	v, ok := g.get("raft.addr")
	switch {
	case ok:
		text := strings.TrimSpace(v.Text)
		bind, err = parseAddress(text, text, "host:port")
		if err != nil {
			return endpoint{}, "", fmt.Errorf("%s: raft.addr: %w", v.Origin, err)
		}
		origin = v.Origin
	case len(l.controllers) > 0:
		bind, origin = l.controllers[0], controllerOrigin
	case self >= 0 && !g.hasAny("peers"):
		bind, origin = nodes[self].address, votersSetting
	default:
		text := g.text("raft.addr")
		bind, err = parseAddress(text, text, "host:port")
		if err != nil {
			panic("config: BUG: the default of raft.addr: " + err.Error())
		}
		origin = defaultOrigin
	}
	for _, e := range l.bound {
		if bind.collides(e) {
			return endpoint{}, "", fmt.Errorf("the cluster port %s (raft.addr) and listener %s share port %d; give each a port of its own with --raft-addr or --kafka-port",
				bind.address(), e.name, e.port)
		}
	}
	return bind, origin, nil
}

// checkPeer refuses a peer that could not be, or could not find, another node.
func checkPeer(n nodeAddress, bind endpoint, origin string, from value) error {
	local := isLoopback(n.address.host)
	if local && n.address.port == bind.port && (isLoopback(bind.host) || isEverywhere(bind.host)) {
		return fmt.Errorf("%s: %s is the address of this node's own cluster port (raft.addr, %s); on one machine each node needs a port of its own",
			from.Origin, n, bind.address())
	}
	if !local && origin == defaultOrigin {
		return fmt.Errorf("%s: node %s is on another machine, which cannot reach this one at %s; set --raft-addr to an address that it reaches, such as 0.0.0.0:%d",
			from.Origin, n, bind.address(), bind.port)
	}
	return nil
}

// tlsSettings are given together, or not at all.
var tlsSettings = [...]string{"cluster.ssl.certificate.file", "cluster.ssl.key.file", "cluster.ssl.ca.file"}

func clusterTLS(g given) (*ClusterTLS, error) {
	missing := ""
	for _, name := range tlsSettings {
		if !g.hasAny(name) {
			missing = name
		}
	}
	switch {
	case missing == "":
		return &ClusterTLS{CertificateFile: g.text(tlsSettings[0]), KeyFile: g.text(tlsSettings[1]), CAFile: g.text(tlsSettings[2])}, nil
	case g.hasAny(tlsSettings[:]...):
		return nil, fmt.Errorf("%s is missing; %s are given together, or none of them", missing, strings.Join(tlsSettings[:], ", "))
	}
	return nil, nil
}

func clusterWarnings(c *Cluster, bind endpoint, others []nodeAddress, l listening) []string {
	var all []string
	if c.TLS == nil && !isPrivate(bind.host) {
		all = append(all, fmt.Sprintf("the cluster port %s is open to the network without TLS: whoever reaches it can read and change everything; set %s, or bind it to a private address with raft.addr",
			bind.address(), strings.Join(tlsSettings[:], ", ")))
	}
	elsewhere := slices.IndexFunc(others, func(n nodeAddress) bool { return !isLoopback(n.address.host) })
	for _, told := range l.listeners {
		if elsewhere >= 0 && isLoopback(told.AdvertisedHost) {
			all = append(all, fmt.Sprintf("node %s is on another machine, and clients of listener %s are told to find this one at %s: those of other machines will not; set --advertised-addr or advertised.listeners",
				others[elsewhere], told.Name, told.AdvertisedHost))
		}
	}
	return all
}

// isPrivate reports whether a host is an address that the internet does not reach.
func isPrivate(host string) bool {
	if isLoopback(host) {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (a.Unmap().IsPrivate() || a.Unmap().IsLinkLocalUnicast())
}
