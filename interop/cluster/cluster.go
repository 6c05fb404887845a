package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/ports"
)

// Size is how many nodes a cluster has: the fewest of which one may die.
const Size = 3

// Cluster is three nodes with a temporary directory.
type Cluster struct {
	Nodes []*Node // of the ids 1 to Size
	Dir   string
}

// Place is where a node runs: the address of its machine, and what a command line
// begins with that is to run there.
type Place struct {
	Host   string
	Inside []string
}

// Chronik is a cluster of chronik-server processes, none of which runs yet. They are
// started as one would by hand; env is added to the environment.
func Chronik(server string, env ...string) (*Cluster, error) {
	return ChronikIn(server, func(int) Place { return Place{Host: "localhost"} }, env...)
}

// ChronikIn is Chronik with each node in a place of its own.
func ChronikIn(server string, place func(id int) Place, env ...string) (*Cluster, error) {
	c, ports, err := empty("chronik", 3*Size)
	if err != nil {
		return nil, err
	}
	clients, raft, secure := ports[:Size], ports[Size:2*Size], ports[2*Size:]
	for i, n := range c.Nodes {
		var peers []string
		for j := range Size {
			if j != i {
				peers = append(peers, fmt.Sprintf("%d@%s:%d", j+1, place(j+1).Host, raft[j]))
			}
		}
		at := place(n.ID)
		n.Addr = net.JoinHostPort(at.Host, strconv.Itoa(clients[i]))
		n.SecureAddr = net.JoinHostPort(at.Host, strconv.Itoa(secure[i]))
		n.ClusterAddr = net.JoinHostPort(at.Host, strconv.Itoa(raft[i]))
		n.DataDir, n.env, n.server = filepath.Join(c.Dir, fmt.Sprint("node", n.ID)), env, len(at.Inside)
		n.args = append(slices.Clone(at.Inside), server, "--node-id", strconv.Itoa(n.ID), "--advertised-addr", at.Host, "--kafka-port", strconv.Itoa(clients[i]),
			"--data-dir", n.DataDir, "raft-cluster", "--raft-addr", fmt.Sprint("0.0.0.0:", raft[i]),
			"--peers", strings.Join(peers, ","), "--bootstrap")
		n.secure = n.secureChronik
	}
	return c, nil
}

// Custom is a cluster of processes with command lines of their own, none of which runs
// yet. Their nodes have no addresses.
func Custom(commandLine func(id int, dataDir string) []string) (*Cluster, error) {
	c, _, err := empty("custom", 0)
	if err != nil {
		return nil, err
	}
	for _, n := range c.Nodes {
		n.DataDir = filepath.Join(c.Dir, fmt.Sprint("node", n.ID))
		n.args = commandLine(n.ID, n.DataDir)
	}
	return c, nil
}

// empty is a cluster whose nodes know their ids and logs, and ports that are free.
func empty(name string, ports int) (*Cluster, []int, error) {
	free, err := freePorts(ports)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", name+"-cluster-")
	if err != nil {
		return nil, nil, err
	}
	c := &Cluster{Dir: dir}
	for id := 1; id <= Size; id++ {
		c.Nodes = append(c.Nodes, &Node{ID: id, LogPath: filepath.Join(dir, fmt.Sprintf("node%d.log", id))})
	}
	return c, free, nil
}

func freePorts(count int) ([]int, error) {
	var free []int
	for range count {
		port, err := ports.Free()
		if err != nil {
			return nil, err
		}
		free = append(free, port)
	}
	return free, nil
}

// Start starts the nodes in the order of ids and waits until all of them listen.
func (c *Cluster) Start(ctx context.Context, ids ...int) error {
	for _, id := range ids {
		if err := c.Node(id).Start(); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := c.Node(id).AwaitListening(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Node is the node of an id.
func (c *Cluster) Node(id int) *Node { return c.Nodes[id-1] }

// Running are the nodes that run.
func (c *Cluster) Running() []*Node {
	var running []*Node
	for _, n := range c.Nodes {
		if n.Running() {
			running = append(running, n)
		}
	}
	return running
}

// Gone says of each node that has ended by itself how it did; nil: there is none.
func (c *Cluster) Gone() error {
	var gone []error
	for _, n := range c.Nodes {
		gone = append(gone, n.Gone())
	}
	return errors.Join(gone...)
}

// Bootstrap are the addresses of all nodes, as clients take them.
func (c *Cluster) Bootstrap() string { return strings.Join(c.Addrs(), ",") }

// Addrs are the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	var all []string
	for _, n := range c.Nodes {
		all = append(all, n.Addr)
	}
	return all
}

// SecureAddrs are those where they speak TLS.
func (c *Cluster) SecureAddrs() []string {
	var all []string
	for _, n := range c.Nodes {
		all = append(all, n.SecureAddr)
	}
	return all
}

// Close kills what still runs and removes the directory, unless it is to be kept.
func (c *Cluster) Close(keep bool) error {
	var failures []error
	for _, n := range c.Nodes {
		failures = append(failures, n.Kill())
		_ = n.log.Close() // nil where it was never started; what is there has been read
	}
	if !keep {
		failures = append(failures, os.RemoveAll(c.Dir))
	}
	return errors.Join(failures...)
}
