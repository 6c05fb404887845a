package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/settings"
)

// listening is what is decided about listeners.
type listening struct {
	listeners []Listener
	// bound are the listeners as they are opened, and controllers those that are
	// Kafka's for its controllers, as they were given.
	bound, controllers []endpoint
	// static are the settings that say the same in Kafka's terms.
	static map[string]string
	// ignored are settings of TLS that no listener has a use for.
	ignored []Ignored
}

// decideListeners finds where to listen, and what clients are told:
//
//   - listeners and advertised.listeners mean what they mean in Kafka;
//   - advertised.addr and kafka.port are short for one listener called
//     PLAINTEXT: on the loopback addresses where the host is one of this
//     machine's loopback, else on every interface;
//   - where both are given, the nearer layer wins if there is one listener to
//     apply it to;
//   - auto as an advertised host is each client's own: the address that it came in
//     by, which the broker finds out.
func decideListeners(g given, hostname func() (string, error)) (listening, error) {
	if err := checkShort(g); err != nil {
		return listening{}, err
	}
	bound, controllers, err := boundEndpoints(g)
	if err != nil {
		return listening{}, err
	}
	advertised, err := advertisedEndpoints(g, bound, controllers, hostname)
	if err != nil {
		return listening{}, err
	}
	protocols, err := protocols(g, bound)
	if err != nil {
		return listening{}, err
	}
	l := listening{bound: bound, controllers: controllers, static: map[string]string{}}
	for i, e := range bound {
		told := advertised[i]
		auto := isAuto(told.host)
		if auto {
			told.host = ""
		}
		l.listeners = append(l.listeners, Listener{Name: e.name, Protocol: protocols[i], Binds: e.binds(),
			AdvertisedHost: told.host, AdvertisedPort: told.port, AdvertiseAuto: auto})
	}
	if l.ignored, err = decideSSL(g, l.listeners); err != nil {
		return listening{}, err
	}
	if g.hasAny("listeners", "advertised.listeners", "advertised.addr", "kafka.port") {
		l.static["listeners"] = joinEndpoints(bound)
		l.static["advertised.listeners"] = joinEndpoints(advertised)
	}
	return l, nil
}

func joinEndpoints(endpoints []endpoint) string {
	texts := make([]string, len(endpoints))
	for i, e := range endpoints {
		texts[i] = e.String()
	}
	return strings.Join(texts, ",")
}

// checkShort checks advertised.addr, which has no port of its own.
func checkShort(g given) error {
	v, ok := g.get("advertised.addr")
	if !ok {
		return nil
	}
	host := shortHost(v.Text)
	switch {
	case isEverywhere(host):
		return fmt.Errorf("%s: clients cannot connect to %s; name a host or address they can reach", v.Origin, v.Text)
	case !isHost(host):
		return fmt.Errorf("%s: %q is neither a host name nor an address; the port goes into kafka.port or advertised.listeners", v.Origin, v.Text)
	}
	return nil
}

func shortHost(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		return text[1 : len(text)-1]
	}
	return text
}

// boundEndpoints are the listeners to open, and those that are Kafka's for its
// controllers.
func boundEndpoints(g given) (bound, controllers []endpoint, err error) {
	given, ok := g.get("listeners")
	if !ok {
		return []endpoint{shortEndpoint(g)}, nil, nil
	}
	all, err := parseEndpoints("listeners", settings.SplitList(given.Text))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", given.Origin, err)
	}
	names := settings.SplitList(strings.ToUpper(g.text("controller.listener.names")))
	for _, e := range all {
		if isAuto(e.host) {
			return nil, nil, fmt.Errorf("%s: listeners: auto is for advertised.listeners; to listen at every address, write %s://:%d", given.Origin, e.name, e.port)
		}
		if slices.Contains(names, e.name) {
			controllers = append(controllers, e)
		} else {
			bound = append(bound, e)
		}
	}
	if len(bound) == 0 {
		return nil, nil, fmt.Errorf("%s: listeners leaves none for clients; add one, such as PLAINTEXT://:9092", given.Origin)
	}
	if err := applyPort(g, given, bound); err != nil {
		return nil, nil, err
	}
	return bound, controllers, distinctPorts(given, bound)
}

// shortEndpoint is the one listener that advertised.addr and kafka.port make.
func shortEndpoint(g given) endpoint {
	e := endpoint{name: "PLAINTEXT", host: "localhost", port: port(g)}
	if v, ok := g.get("advertised.addr"); ok && !isLoopback(shortHost(v.Text)) {
		e.host = ""
	}
	if v, ok := g.get("advertised.listeners"); ok && !onlyLoopback(v) {
		e.host = ""
	}
	return e
}

// onlyLoopback reports whether advertised.listeners names this machine's
// loopback only. What cannot be parsed is refused later.
func onlyLoopback(v value) bool {
	all, err := parseEndpoints("advertised.listeners", settings.SplitList(v.Text))
	return err != nil || !slices.ContainsFunc(all, func(e endpoint) bool { return !isLoopback(e.host) })
}

// port is kafka.port, which has been checked.
func port(g given) uint16 { return uint16(whole(g, "kafka.port")) }

// applyPort lets a kafka.port of a nearer layer change the port of listeners.
func applyPort(g given, listeners value, bound []endpoint) error {
	v, ok := g.get("kafka.port")
	if !ok {
		return nil
	}
	if v.Rank <= listeners.Rank || len(bound) > 1 {
		return fmt.Errorf("%s and %s (listeners) both say which port to listen on; leave one of them out", v.Origin, listeners.Origin)
	}
	bound[0].port = port(g)
	return nil
}

// distinctPorts refuses what the operating system would refuse with less words.
func distinctPorts(given value, bound []endpoint) error {
	for i, e := range bound {
		for _, other := range bound[:i] {
			if e.collides(other) {
				return fmt.Errorf("%s: listeners %s and %s share port %d; give each a port of its own", given.Origin, other.name, e.name, e.port)
			}
		}
	}
	return nil
}

// advertisedEndpoints is what clients of each bound listener are told.
func advertisedEndpoints(g given, bound []endpoint, controllers []endpoint, hostname func() (string, error)) ([]endpoint, error) {
	byName := make(map[string]endpoint)
	list, hasList := g.get("advertised.listeners")
	short, hasShort := g.get("advertised.addr")
	if hasList {
		all, err := parseEndpoints("advertised.listeners", settings.SplitList(list.Text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", list.Origin, err)
		}
		if err := checkAdvertised(list, all, bound, controllers); err != nil {
			return nil, err
		}
		for _, e := range all {
			byName[e.name] = e
		}
	}
	if hasShort && hasList && (short.Rank <= list.Rank || len(bound) > 1) {
		return nil, fmt.Errorf("%s and %s (advertised.listeners) both say what clients are told; leave one of them out", short.Origin, list.Origin)
	}
	advertised := make([]endpoint, len(bound))
	for i, e := range bound {
		if a, ok := byName[e.name]; ok {
			e = a
		}
		if hasShort {
			e.host = shortHost(short.Text)
		}
		if isEverywhere(e.host) {
			name, err := hostname()
			if err != nil || name == "" {
				return nil, errors.New("this machine has no host name to tell clients; set advertised.listeners or --advertised-addr")
			}
			e.host = name
		}
		advertised[i] = e
	}
	return advertised, nil
}

func checkAdvertised(given value, all, bound, controllers []endpoint) error {
	for _, e := range all {
		named := func(other endpoint) bool { return other.name == e.name }
		if slices.ContainsFunc(controllers, named) {
			continue
		}
		if !slices.ContainsFunc(bound, named) {
			return fmt.Errorf("%s: advertised.listeners names %s, which listeners does not have", given.Origin, e.name)
		}
		if isEverywhere(e.host) {
			return fmt.Errorf("%s: advertised.listeners: clients cannot connect to %s; name a host or address they can reach", given.Origin, e)
		}
	}
	return nil
}

// protocols finds the protocol of each listener; a name that the map does not
// have is its own protocol.
func protocols(g given, bound []endpoint) ([]server.Protocol, error) {
	byName := make(map[string]string)
	origin := "listener.security.protocol.map"
	if v, ok := g.get(origin); ok {
		origin = v.Origin + ": " + origin
	}
	for _, item := range settings.SplitList(g.text("listener.security.protocol.map")) {
		name, protocol, ok := strings.Cut(item, ":")
		if !ok || !isListenerName(name) {
			return nil, fmt.Errorf("%s: %q is not of the form NAME:PROTOCOL", origin, item)
		}
		byName[strings.ToUpper(name)] = strings.ToUpper(protocol)
	}
	all := make([]server.Protocol, len(bound))
	for i, e := range bound {
		protocol, ok := byName[e.name]
		if !ok {
			protocol = e.name
		}
		if err := checkProtocol(e.name, protocol, ok); err != nil {
			return nil, err
		}
		all[i] = server.Protocol(protocol)
	}
	return all, nil
}

func checkProtocol(name, protocol string, mapped bool) error {
	switch server.Protocol(protocol) {
	case server.Plaintext, server.SSL:
		return nil
	case "SASL_PLAINTEXT":
		return fmt.Errorf("listener %s speaks %s, and SASL is not served yet; use SSL, or PLAINTEXT on a network you trust", name, protocol)
	case "SASL_SSL":
		return fmt.Errorf("listener %s speaks %s, and SASL is not served yet; use SSL, with ssl.client.auth=required where clients have to show who they are", name, protocol)
	}
	if !mapped {
		return fmt.Errorf("listener %s has no protocol; add %s:PLAINTEXT or %s:SSL to listener.security.protocol.map", name, name, name)
	}
	return fmt.Errorf("listener %s: %s is no protocol; use PLAINTEXT or SSL", name, protocol)
}
