package cluster

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
)

// Join is a node of chronik's that is to join, and knows one member. It is none of Nodes, and
// does not run yet.
func (c *Cluster) Join(server string, id int, dir string, member *Node) (*Node, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	client, raft := strconv.Itoa(ports[0]), strconv.Itoa(ports[1])
	n := &Node{
		ID: id, Addr: net.JoinHostPort("localhost", client), ClusterAddr: net.JoinHostPort("localhost", raft),
		DataDir: dir, LogPath: filepath.Join(c.Dir, fmt.Sprintf("node%d.log", id)),
	}
	n.args = []string{
		server, "--node-id", strconv.Itoa(id), "--advertised-addr", "localhost", "--kafka-port", client, "--admin-addr", "none", "--data-dir", dir,
		"raft-cluster", "--raft-addr", "0.0.0.0:" + raft, "--peers", member.asPeer(),
	}
	return n, nil
}

// Rejoin has a node whose directory is lost join as one that knows one member, from its
// next start on.
func (c *Cluster) Rejoin(n, member *Node) {
	n.args = slices.DeleteFunc(slices.Clone(n.args), func(arg string) bool { return arg == "--bootstrap" })
	n.args[slices.Index(n.args, "--peers")+1] = member.asPeer()
}

func (n *Node) asPeer() string { return fmt.Sprintf("%d@%s", n.ID, n.ClusterAddr) }
