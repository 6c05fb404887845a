package broker

import (
	"net/netip"
	"slices"
	"testing"
)

func TestCandidatesAreWhereAListenerIsBound(t *testing.T) {
	prefixes := func(texts ...string) []netip.Prefix {
		var all []netip.Prefix
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	machine := prefixes("127.0.0.1/8", "::1/128", "2001:db8::1/64", "10.0.0.1/24", "192.168.1.1/24", "10.0.0.1/24")
	f := func(host string, bound []string, want ...string) {
		t.Helper()
		var addresses []netip.AddrPort
		for _, b := range bound {
			addresses = append(addresses, netip.MustParseAddrPort(b))
		}
		got := candidates(machine, addresses)
		if !slices.Equal(got, prefixes(want...)) {
			t.Errorf("bound to %v: %v, want %v", bound, got, want)
		} else if len(got) > 0 && firstHost(got) != host {
			t.Errorf("bound to %v: %s, want %s", bound, firstHost(got), host)
		}
	}
	f("10.0.0.1", []string{"[::]:1"}, "127.0.0.1/8", "::1/128", "2001:db8::1/64", "10.0.0.1/24", "192.168.1.1/24")
	f("10.0.0.1", []string{"0.0.0.0:1"}, "127.0.0.1/8", "10.0.0.1/24", "192.168.1.1/24")
	f("192.168.1.1", []string{"192.168.1.1:1"}, "192.168.1.1/24")
	f("192.168.1.1", []string{"[::ffff:192.168.1.1]:1"}, "192.168.1.1/24")
	f("2001:db8::1", []string{"[2001:db8::1]:1", "[::1]:1"}, "::1/128", "2001:db8::1/64")
	f("127.0.0.1", []string{"127.0.0.1:1", "[::1]:1"}, "127.0.0.1/8", "::1/128")
	f("", []string{"10.9.9.9:1"})
}
