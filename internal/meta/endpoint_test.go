package meta

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
)

// machine is an endpoint with the addresses of a machine.
func machine(host string, prefixes ...string) Endpoint {
	e := Endpoint{Listener: "PLAINTEXT", Host: host, Port: 9092, Protocol: "PLAINTEXT"}
	for _, p := range prefixes {
		e.Candidates = append(e.Candidates, netip.MustParsePrefix(p))
	}
	return e
}

func TestClientIsToldTheAddressOnItsOwnNetwork(t *testing.T) {
	f := func(name string, e, self Endpoint, local, want string) {
		t.Helper()
		var address netip.Addr // "": not known
		if local != "" {
			address = netip.MustParseAddr(local)
		}
		if got := e.HostFor(address, self); got != want {
			t.Errorf("%s: in at %q, told %s, want %s", name, local, got, want)
		}
	}
	// Two networks, and the addresses that every Docker host has.
	a := machine("10.0.0.1", "127.0.0.1/8", "::1/128", "172.17.0.1/16", "10.0.0.1/24", "192.168.1.1/24", "2001:db8::1/64")
	b := machine("10.0.0.2", "127.0.0.1/8", "::1/128", "172.17.0.1/16", "10.0.0.2/24", "192.168.1.2/24", "2001:db8::2/64")
	for _, local := range []string{"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "2001:db8::1", "172.17.0.1", "10.9.9.9"} {
		f("itself", a, a, local, local)
		f("another process of the machine", machine("10.0.0.1", "127.0.0.1/8", "::1/128", "172.17.0.1/16", "10.0.0.1/24", "192.168.1.1/24", "2001:db8::1/64"), a, local, local)
	}
	f("itself, over a dual-stack socket", a, a, "::ffff:10.0.0.1", "10.0.0.1")
	f("itself, link-local", a, a, "fe80::1%eth0", "10.0.0.1")
	f("itself, unknown", a, a, "", "10.0.0.1")

	f("same network", b, a, "10.0.0.1", "10.0.0.2")
	f("same network", b, a, "192.168.1.1", "192.168.1.2")
	f("same network", b, a, "2001:db8::1", "2001:db8::2")
	f("same network, dual-stack", b, a, "::ffff:192.168.1.1", "192.168.1.2")
	f("loopback is the client's machine, not b", b, a, "127.0.0.1", "10.0.0.2")
	f("loopback is the client's machine, not b", b, a, "::1", "2001:db8::2")
	f("the bridge of this machine is not b's", b, a, "172.17.0.1", "10.0.0.2")
	f("no network in common", b, a, "203.0.113.9", "10.0.0.2")
	f("no network in common", b, a, "2001:db8:ffff::9", "2001:db8::2")
	f("unknown", b, a, "", "10.0.0.2")

	f("the narrowest network", machine("10.0.0.2", "10.0.0.2/8", "10.1.0.2/16"), a, "10.1.0.1", "10.1.0.2")
	f("only the other kind", machine("2001:db8::2", "::1/128", "2001:db8::2/64"), a, "10.0.0.1", "2001:db8::2")
	f("only on loopback", machine("127.0.0.1", "127.0.0.1/8"), a, "10.0.0.1", "127.0.0.1")
	f("part of this machine", machine("192.168.1.1", "192.168.1.1/24"), a, "127.0.0.1", "192.168.1.1")
	f("a host that was given", machine("b.example"), a, "10.0.0.1", "b.example")
	f("a host that was given", machine("a.example"), machine("a.example"), "10.0.0.1", "a.example")
	f("this node's was given", b, machine("a.example"), "10.0.0.1", "10.0.0.2")
}

func TestCandidatesTravelAsText(t *testing.T) {
	want := machine("10.0.0.1", "10.0.0.1/24", "2001:db8::1/64")
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Endpoint
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %+v, %v", text, got, err)
	}
}
