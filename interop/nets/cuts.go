//go:build linux

package nets

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
)

// Link is one way from a node, or the clients, to another.
type Link struct {
	From, To int
}

// Both is the way there and the way back.
func Both(a, b int) []Link { return []Link{{a, b}, {b, a}} }

// Between is every way between two sides.
func Between(one, other []int) []Link {
	var links []Link
	for _, a := range one {
		for _, b := range other {
			links = append(links, Both(a, b)...)
		}
	}
	return links
}

// rules prepares a node for cuts: packets are dropped where they arrive, so that the
// sender notices nothing. Clients have no such rules; what goes to them is dropped where
// it leaves.
func (n *Network) rules(node int) error {
	return n.nft(node, `add table inet faults; `+
		`add set inet faults from { type ipv4_addr; }; `+
		`add set inet faults to { type ipv4_addr; }; `+
		`add chain inet faults in { type filter hook input priority -300; }; `+
		`add chain inet faults out { type filter hook output priority -300; }; `+
		`add rule inet faults in ip saddr @from counter drop; `+
		`add rule inet faults out ip daddr @to counter drop`)
}

func (n *Network) nft(node int, commands string) error {
	return run(append(n.Inside(node), "nft", commands)...)
}

// Cut drops what goes along links, until the function that it returns is called. A link
// that was cut twice is healed with the second.
func (n *Network) Cut(links []Link) (heal func() error, err error) {
	err = n.change(links, 1)
	return func() error { return n.change(links, -1) }, err
}

// change counts who wants links cut, and tells the nodes where that makes a difference.
func (n *Network) change(links []Link, by int) error {
	var err error
	for _, l := range links {
		was := n.cuts[l] > 0
		n.cuts[l] += by
		if is := n.cuts[l] > 0; is != was {
			err = errors.Join(err, n.set(l, is))
		}
	}
	return err
}

func (n *Network) set(l Link, cut bool) error {
	verb := "delete"
	if cut {
		verb = "add"
	}
	if l.To == Clients {
		return n.nft(l.From, fmt.Sprintf("%s element inet faults to { %s }", verb, n.Addr(Clients)))
	}
	return n.nft(l.To, fmt.Sprintf("%s element inet faults from { %s }", verb, n.Addr(l.From)))
}

// Unplug is every link of a node. When it is cut, not even the end of the node's processes
// is heard of.
func (n *Network) Unplug(node int) []Link {
	var links []Link
	for other := range n.nodes + 1 {
		if other != node {
			links = append(links, Both(node, other)...)
		}
	}
	return links
}

// Dropped counts the packets that were dropped so far.
func (n *Network) Dropped() (int64, error) {
	var sum int64
	for node := 1; node <= n.nodes; node++ {
		args := append(n.Inside(node), "nft", "-j", "list", "table", "inet", "faults")
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			return 0, fmt.Errorf("count dropped packets: %w", err)
		}
		packets, err := droppedIn(out)
		if err != nil {
			return 0, err
		}
		sum += packets
	}
	return sum, nil
}

// droppedIn adds up the counters of a table, as nft writes it.
func droppedIn(table []byte) (int64, error) {
	var listed struct {
		Nftables []struct {
			Rule *struct {
				Expr []struct {
					Counter *struct{ Packets int64 }
				}
			}
		}
	}
	if err := json.Unmarshal(table, &listed); err != nil {
		return 0, fmt.Errorf("nft: %w", err)
	}
	var sum int64
	for _, item := range listed.Nftables {
		if item.Rule == nil {
			continue
		}
		for _, e := range item.Rule.Expr {
			if e.Counter != nil {
				sum += e.Counter.Packets
			}
		}
	}
	return sum, nil
}

// Nodes are all nodes but those named.
func (n *Network) Nodes(but ...int) []int {
	var nodes []int
	for node := 1; node <= n.nodes; node++ {
		if !slices.Contains(but, node) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}
