package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// endpoint is one item of listeners or advertised.listeners, NAME://host:port, or
// another address, without a name.
type endpoint struct {
	name string // upper case
	host string // without brackets; "" is every interface
	port uint16
}

// parseEndpoint reads one item. Kafka compares names in upper case.
func parseEndpoint(item string) (endpoint, error) {
	const form = "NAME://host:port"
	name, address, ok := strings.Cut(item, "://")
	if !ok || !isListenerName(name) {
		return endpoint{}, fmt.Errorf("%q is not of the form %s", item, form)
	}
	e, err := parseAddress(item, address, form)
	e.name = strings.ToUpper(name)
	return e, err
}

// parseAddress reads the host:port of an item, which is of a form that holds one.
func parseAddress(item, address, form string) (endpoint, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return endpoint{}, fmt.Errorf("%q is not of the form %s", item, form)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return endpoint{}, fmt.Errorf("%q: %q is not a port, which is a number from 0 to 65535", item, port)
	}
	if !isHost(host) {
		return endpoint{}, fmt.Errorf("%q: %q is neither a host name nor an address", item, host)
	}
	return endpoint{host: host, port: uint16(n)}, nil
}

// parseEndpoints reads listeners or advertised.listeners, given as setting.
func parseEndpoints(setting string, items []string) ([]endpoint, error) {
	endpoints := make([]endpoint, 0, len(items))
	names := make(map[string]bool, len(items))
	for _, item := range items {
		e, err := parseEndpoint(item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
		if names[e.name] {
			return nil, fmt.Errorf("%s: %s is given twice; each listener needs a name of its own", setting, e.name)
		}
		names[e.name] = true
		endpoints = append(endpoints, e)
	}
	return endpoints, nil
}

// String writes the item as it is read.
func (e endpoint) String() string { return e.name + "://" + e.address() }

func (e endpoint) address() string { return net.JoinHostPort(e.host, strconv.Itoa(int(e.port))) }

// collides reports whether not both of two endpoints can be opened.
func (e endpoint) collides(other endpoint) bool {
	if e.port != other.port || e.port == 0 {
		return false
	}
	return isEverywhere(e.host) || isEverywhere(other.host) ||
		slices.ContainsFunc(e.binds(), func(bind string) bool { return slices.Contains(other.binds(), bind) })
}

// isListenerName allows what Kafka's listener names are made of.
func isListenerName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
	}) < 0
}

// isHost allows host names, addresses (also with a zone) and "".
func isHost(s string) bool {
	if strings.Contains(s, ":") {
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\@#?,"'[]`, r)
	}) < 0
}

// isLoopback reports whether only this machine reaches itself by a host.
func isLoopback(host string) bool {
	if isLocalhost(host) {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// isAuto reports whether an advertised host stands for the address that suits each
// client.
func isAuto(host string) bool { return strings.EqualFold(host, "auto") }

// isEverywhere reports whether a host stands for every interface, which nobody
// can connect to.
func isEverywhere(host string) bool {
	if host == "" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsUnspecified()
}

// binds are the addresses to open for an endpoint (Listener.Binds). localhost is
// both loopback addresses, whichever of them a client's resolver gives first.
func (e endpoint) binds() []string {
	port := strconv.Itoa(int(e.port))
	if isLocalhost(e.host) {
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	}
	return []string{e.address()}
}
