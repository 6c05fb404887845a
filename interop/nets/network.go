//go:build linux

package nets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Clients is the place of whoever is no node.
const Clients = 0

// Network is a bridge, and nodes 1, 2, … on it.
type Network struct {
	name   string // of the bridge, and what the namespaces' names begin with
	prefix string // of all addresses, with its dot
	nodes  int
	cuts   map[Link]int // how many want it
}

// namesBegin what belongs to a network; the number of our process follows.
const namesBegin = "flt"

// New makes a network. It removes those whose process has died.
func New(nodes int) (*Network, error) {
	removeOrphans()
	prefix, err := freePrefix()
	if err != nil {
		return nil, err
	}
	n := &Network{name: namesBegin + strconv.Itoa(os.Getpid()), prefix: prefix, nodes: nodes, cuts: map[Link]int{}}
	if err := n.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("make a network: %w", err), n.Close())
	}
	return n, nil
}

func (n *Network) build() error {
	err := runAll(
		"ip link add "+n.name+" type bridge",
		"ip addr add "+n.Addr(Clients)+"/24 dev "+n.name,
		"ip link set "+n.name+" up",
	)
	for node := 1; node <= n.nodes && err == nil; node++ {
		space := n.space(node)
		err = runAll(
			"ip netns add "+space,
			"ip link add "+space+" type veth peer name eth0 netns "+space,
			"ip link set "+space+" master "+n.name+" up",
			"ip -n "+space+" addr add "+n.Addr(node)+"/24 dev eth0",
			"ip -n "+space+" link set eth0 up",
			"ip -n "+space+" link set lo up",
		)
		if err == nil {
			err = n.rules(node)
		}
	}
	return err
}

// Addr is the address of a node, or of the clients.
func (n *Network) Addr(node int) string {
	if node == Clients {
		node = 254
	}
	return n.prefix + strconv.Itoa(node)
}

func (n *Network) space(node int) string { return fmt.Sprintf("%s-%d", n.name, node) }

// Inside is what a command line begins with that is to run on a node. The process that
// it starts is that command's.
func (n *Network) Inside(node int) []string {
	return []string{"nsenter", "--net=" + filepath.Join(spaces, n.space(node)), "--"}
}

// spaces is where ip keeps the namespaces that it has made.
const spaces = "/run/netns"

// Close removes the network. Processes that are in it lose their connections.
func (n *Network) Close() error { return remove(n.name, n.nodes) }

func remove(name string, nodes int) error {
	var err error
	for node := 1; node <= nodes; node++ {
		space := fmt.Sprintf("%s-%d", name, node)
		// With the namespace it would go some time later.
		if exists("/sys/class/net/" + space) {
			err = errors.Join(err, run("ip", "link", "del", space))
		}
		if exists(filepath.Join(spaces, space)) {
			err = errors.Join(err, run("ip", "netns", "del", space))
		}
	}
	if exists("/sys/class/net/" + name) {
		err = errors.Join(err, run("ip", "link", "del", name))
	}
	return err
}

// removeOrphans removes the networks of processes that did not come to remove them.
func removeOrphans() {
	links, err := filepath.Glob("/sys/class/net/" + namesBegin + "*")
	if err != nil {
		return
	}
	for _, link := range links {
		name := filepath.Base(link)
		pid, err := strconv.Atoi(strings.TrimPrefix(name, namesBegin))
		if err == nil && !exists(fmt.Sprintf("/proc/%d", pid)) {
			_ = remove(name, 9) // nobody else's affair
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// freePrefix finds a network of 256 addresses that no interface of the machine is in.
func freePrefix() (string, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for try := range 1 << 8 {
		prefix := fmt.Sprintf("10.%d.%d.", 200+os.Getpid()>>8&31, (os.Getpid()+try)&255)
		first := net.ParseIP(prefix + "1")
		taken := false
		for _, a := range addresses {
			if used, ok := a.(*net.IPNet); ok && used.Contains(first) {
				taken = true
			}
		}
		if !taken {
			return prefix, nil
		}
	}
	return "", errors.New("every network of 10.200.0.0/11 that was tried is in use")
}

func run(args ...string) error {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// runAll runs commands until one fails.
func runAll(lines ...string) error {
	for _, line := range lines {
		if err := run(strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}
