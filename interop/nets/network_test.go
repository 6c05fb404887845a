//go:build linux

package nets

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reaches tells whether a packet gets from one place to another: whether a ping of one
// datagram, which needs no way back, is counted there.
func (n *Network) reaches(t *testing.T, from, to int) bool {
	t.Helper()
	received := func() string {
		args := []string{"cat", "/proc/net/snmp"}
		if to != Clients {
			args = append(n.Inside(to), args...)
		}
		out, err := exec.Command(args[0], args[1:]...).Output()
		noError(t, err)
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); f[0] == "Udp:" && f[1] != "InDatagrams" {
				return f[1] + " and " + f[2] // without and with a port that listens
			}
		}
		t.Fatal("no count of datagrams")
		return ""
	}
	before := received()
	send := fmt.Sprintf("echo x >/dev/udp/%s/9", n.Addr(to))
	args := []string{"bash", "-c", send}
	if from != Clients {
		args = append(n.Inside(from), args...)
	}
	_ = exec.Command(args[0], args[1:]...).Run() // a packet that is dropped where it leaves is an error
	return received() != before
}

func TestLinksAreCutOneWayAtATime(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make networks")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("no nft")
	}
	n, err := New(3)
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	expect := func(cut ...Link) {
		t.Helper()
		for from := range 4 {
			for to := range 4 {
				if from == to {
					continue
				}
				want := !slices.Contains(cut, Link{from, to})
				if got := n.reaches(t, from, to); got != want {
					t.Errorf("%d reaches %d: %v, want %v", from, to, got, want)
				}
			}
		}
	}
	expect()
	healOne, err := n.Cut([]Link{{1, 2}, {Clients, 3}, {3, Clients}})
	noError(t, err)
	expect(Link{1, 2}, Link{Clients, 3}, Link{3, Clients})
	healUnplugged, err := n.Cut(n.Unplug(1))
	noError(t, err)
	unplugged := append(Both(1, 2), append(Both(1, 3), Both(1, Clients)...)...)
	expect(append(unplugged, Both(3, Clients)...)...)
	noError(t, healOne())
	expect(unplugged...)
	noError(t, healUnplugged())
	expect()
	if dropped, err := n.Dropped(); err != nil || dropped == 0 {
		t.Errorf("%d packets dropped: %v", dropped, err)
	}
}

func TestAProcessRunsInsideItsNode(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make networks")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("no nft")
	}
	n, err := New(2)
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	out, err := exec.Command(n.Inside(2)[0], append(n.Inside(2)[1:], "ip", "-4", "-o", "addr", "show", "eth0")...).Output()
	if err != nil || !strings.Contains(string(out), n.Addr(2)) {
		t.Errorf("%s: %v", out, err)
	}
	if net.ParseIP(n.Addr(2)) == nil || n.Addr(1) == n.Addr(2) {
		t.Errorf("addresses %s and %s", n.Addr(1), n.Addr(2))
	}
}

// TestANetworkCanBeMadeAgainAtOnce: one run follows the other.
func TestANetworkCanBeMadeAgainAtOnce(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make networks")
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("no nft")
	}
	for range 5 {
		n, err := New(2)
		noError(t, err)
		noError(t, n.Close())
	}
}

func TestOrphansAreRemoved(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make networks")
	}
	ended := exec.Command("true")
	noError(t, ended.Run())
	name := fmt.Sprint(namesBegin, ended.Process.Pid)
	noError(t, runAll("ip link add "+name+" type bridge", "ip netns add "+name+"-1"))
	removeOrphans()
	if exists("/sys/class/net/"+name) || exists(spaces+"/"+name+"-1") {
		t.Error("still there")
	}
}

func TestBetweenIsEveryWay(t *testing.T) {
	got := Between([]int{1}, []int{2, 3})
	if want := []Link{{1, 2}, {2, 1}, {1, 3}, {3, 1}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// FuzzDroppedIn has what nft writes taken apart, whatever it is.
func FuzzDroppedIn(f *testing.F) {
	f.Add([]byte(`{"nftables": [{"metainfo": {}}, {"rule": {"expr": [{"match": {}}, {"counter": {"packets": 3, "bytes": 180}}, {"drop": null}]}}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(_ *testing.T, table []byte) { _, _ = droppedIn(table) })
}

func TestDroppedPacketsAreAddedUp(t *testing.T) {
	got, err := droppedIn([]byte(`{"nftables": [{"set": {}}, {"rule": {"expr": [{"counter": {"packets": 3}}]}}, {"rule": {"expr": [{"counter": {"packets": 4}}]}}]}`))
	if got != 7 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}
