package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
)

func installAutoAddress(ctx context.Context, t *tools) error {
	return errors.Join(installKcat(ctx, t), t.Need(ctx, "ip", "iproute2"), t.Need(ctx, "nsenter", "util-linux"))
}

// runAutoAddress has three nodes on two networks each, and clients that are on one of
// them: with --advertised-addr auto each is told addresses that it can reach.
func runAutoAddress(s *suiteRun) {
	var nets *twoNetworks
	s.check("two networks, in namespaces", func(c *check) { nets = newTwoNetworks(c) })
	if nets == nil {
		return
	}
	defer nets.remove()
	var nodes *cluster.Cluster
	s.check("three nodes on both start", func(c *check) { nodes = nets.startNodes(c) })
	if nodes == nil {
		return
	}
	defer nodes.Close(s.broker.options.keep)
	for _, net := range networks() {
		s.check("a client on network "+net+" is told addresses there", func(c *check) {
			for id := range cluster.Size {
				out := nets.kcat(c, "client-"+net, "", nets.addr(net, id+1), "-L")
				for other := range cluster.Size {
					c.Matches(out, fmt.Sprintf(`^ +broker %d at %s:9092\b`, other+1, strings.ReplaceAll(nets.addr(net, other+1), ".", `\.`)))
				}
			}
		})
	}
	s.check("what a client on one network produces, one on the other reads", func(c *check) {
		for i := range cluster.Size { // their leaders differ
			topic := c.topic(fmt.Sprint("crossing-", i))
			nets.kcat(c, "client-a", text(numbers(1, 50)), nets.addr("a", 1), "-P", "-t", topic, "-X", "topic.request.required.acks=-1")
			nets.kcat(c, "client-b", text(numbers(51, 100)), nets.addr("b", 2), "-P", "-t", topic, "-X", "topic.request.required.acks=-1")
			for _, reader := range []struct{ space, addr string }{
				{"client-a", nets.addr("a", 3)}, {"client-b", nets.addr("b", 1)}, {"node-2", "127.0.0.1"},
			} {
				out := nets.kcat(c, reader.space, "", reader.addr, "-C", "-t", topic, "-o", "beginning", "-e", "-q")
				c.Equal("records in "+reader.space, out, text(numbers(1, 100)))
			}
		}
	})
	s.stopsCleanly(nodes)
}

func networks() []string { return []string{"a", "b"} }

// twoNetworks are two bridges in a namespace of their own, which nobody outside can
// reach, with three nodes on both and a client on each.
type twoNetworks struct{ name string } // what its namespaces' names begin with

func newTwoNetworks(c *check) *twoNetworks {
	if os.Geteuid() != 0 {
		c.Failf("needs root, to make network namespaces")
	}
	n := &twoNetworks{name: fmt.Sprintf("interop-%d-", os.Getpid())}
	made := false
	defer func() {
		if !made {
			n.remove()
		}
	}()
	n.ip(c, "netns add "+n.space("hub"))
	for _, net := range networks() {
		n.ip(c, "-n "+n.space("hub")+" link add name bridge-"+net+" type bridge")
		n.ip(c, "-n "+n.space("hub")+" link set bridge-"+net+" up")
	}
	for id := range cluster.Size {
		node := fmt.Sprint("node-", id+1)
		n.ip(c, "netns add "+n.space(node))
		n.ip(c, "-n "+n.space(node)+" link set lo up")
		for _, net := range networks() {
			n.connect(c, node, net, n.addr(net, id+1))
		}
	}
	for _, net := range networks() {
		n.ip(c, "netns add "+n.space("client-"+net))
		n.connect(c, "client-"+net, net, n.addr(net, 100))
	}
	made = true
	return n
}

// connect lays a cable from a bridge to who gets an address there.
func (n *twoNetworks) connect(c *check, who, net, addr string) {
	cable, inside := who+net, "to-"+net
	n.ip(c, fmt.Sprintf("link add %s netns %s type veth peer name %s netns %s", cable, n.space("hub"), inside, n.space(who)))
	n.ip(c, fmt.Sprintf("-n %s link set %s master bridge-%s up", n.space("hub"), cable, net))
	n.ip(c, fmt.Sprintf("-n %s addr add %s/24 dev %s", n.space(who), addr, inside))
	n.ip(c, fmt.Sprintf("-n %s link set %s up", n.space(who), inside))
}

func (n *twoNetworks) ip(c *check, args string) {
	c.Exec(line{Name: "ip " + args, Args: append([]string{"ip"}, strings.Fields(args)...)})
}

func (n *twoNetworks) space(who string) string { return n.name + who }

// addr is an address on a network: 10.71.1.x on a, 10.71.2.x on b.
func (n *twoNetworks) addr(net string, host int) string {
	return fmt.Sprintf("10.71.%d.%d", 1+strings.Index("ab", net), host)
}

// inside is a command line that runs in somebody's namespace.
func (n *twoNetworks) inside(who string, args ...string) []string {
	return append([]string{"nsenter", "--net=" + filepath.Join("/run/netns", n.space(who)), "--"}, args...)
}

func (n *twoNetworks) kcat(c *check, who, stdin, addr string, args ...string) string {
	kcat := append([]string{c.tools.kcat, "-b", addr + ":9092"}, args...)
	return c.Exec(line{Name: "kcat, in " + who, Args: n.inside(who, kcat...), Stdin: stdin})
}

// startNodes starts a node in each namespace; they find each other on network a.
func (n *twoNetworks) startNodes(c *check) *cluster.Cluster {
	nodes, err := cluster.Custom(func(id int, dataDir string) []string {
		var peers []string
		for _, other := range others(id) {
			peers = append(peers, fmt.Sprintf("%d@%s:9192", other, n.addr("a", other)))
		}
		return n.inside(fmt.Sprint("node-", id), c.broker.options.server, "--node-id", fmt.Sprint(id), "--advertised-addr", "auto",
			"--kafka-port", "9092", "--data-dir", dataDir, "raft-cluster", "--raft-addr", n.addr("a", id)+":9192",
			"--peers", strings.Join(peers, ","), "--bootstrap")
	})
	c.NoError(err)
	for _, node := range nodes.Nodes {
		if err := node.Start(); err != nil {
			nodes.Close(false)
			c.NoError(err)
		}
	}
	for _, node := range nodes.Nodes {
		c.eventually(func() error {
			if !strings.Contains(readLog(c, node), "chronik is ready") {
				return fmt.Errorf("node %d is not ready:\n%s", node.ID, readLog(c, node))
			}
			return nil
		})
	}
	return nodes
}

// remove removes the namespaces, and with them all that is in them.
func (n *twoNetworks) remove() {
	spaces, err := filepath.Glob(filepath.Join("/run/netns", n.name+"*"))
	if err != nil {
		return
	}
	for _, space := range spaces {
		if out, err := exec.Command("ip", "netns", "del", filepath.Base(space)).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "interop: ip netns del: %v: %s\n", err, out)
		}
	}
}
