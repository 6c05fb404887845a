package localcluster

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// NodesMax bounds the nodes of one machine: their ports follow each other, and
	// those of the cluster begin raftPortAbove above those of the clients.
	NodesMax      = 9
	raftPortAbove = 100
)

// Plan says which nodes there are.
type Plan struct {
	// Nodes is how many, 1 to NodesMax.
	Nodes int
	// KafkaPort is the first node's; the others follow.
	KafkaPort int
	// DataDir holds a directory for each node.
	DataDir string
	// Arguments are given to each node besides its own.
	Arguments []string
}

// check refuses a plan that has no ports, or too many nodes for a machine.
func (p *Plan) check() error {
	switch most := math.MaxUint16 - raftPortAbove - p.Nodes + 1; {
	case p.Nodes < 1 || p.Nodes > NodesMax:
		return fmt.Errorf("--nodes %d: a machine has room for 1 to %d nodes", p.Nodes, NodesMax)
	case p.KafkaPort < 1 || p.KafkaPort > most:
		return fmt.Errorf("--kafka-port %d: the ports of %d nodes begin with one from 1 to %d", p.KafkaPort, p.Nodes, most)
	case p.DataDir == "":
		return errors.New("--data-dir is empty; name a directory")
	}
	return nil
}

func (p *Plan) kafkaPort(node int) int { return p.KafkaPort + node - 1 }

func (p *Plan) raftPort(node int) int { return p.kafkaPort(node) + raftPortAbove }

func (p *Plan) dataDir(node int) string { return filepath.Join(p.DataDir, "node"+strconv.Itoa(node)) }

// kafkaAddress is what clients are told of a node, which are numbered from 1.
func (p *Plan) kafkaAddress(node int) string { return "localhost:" + strconv.Itoa(p.kafkaPort(node)) }

func (p *Plan) raftAddress(node int) string { return "localhost:" + strconv.Itoa(p.raftPort(node)) }

// bootstrap is what a client connects to: every node.
func (p *Plan) bootstrap() string {
	all := make([]string, p.Nodes)
	for i := range all {
		all[i] = p.kafkaAddress(i + 1)
	}
	return strings.Join(all, ",")
}

// arguments are the command line of a node, without its program.
func (p *Plan) arguments(node int) []string {
	var peers []string
	for other := 1; other <= p.Nodes; other++ {
		if other != node {
			peers = append(peers, fmt.Sprintf("%d@%s", other, p.raftAddress(other)))
		}
	}
	all := []string{"--node-id", strconv.Itoa(node), "--advertised-addr", "localhost",
		"--kafka-port", strconv.Itoa(p.kafkaPort(node)), "--data-dir", p.dataDir(node)}
	all = append(all, p.Arguments...)
	all = append(all, "raft-cluster", "--raft-addr", p.raftAddress(node), "--bootstrap")
	if len(peers) > 0 {
		all = append(all, "--peers", strings.Join(peers, ","))
	}
	return all
}
