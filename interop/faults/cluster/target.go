//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	clientPort = 9092
	peerPort   = 9192
)

// Target is a broker that can be run as a cluster.
type Target interface {
	Name() string
	// Command returns the command line of a node. It is called before every start.
	Command(p Place) ([]string, error)
	// SyncsFirst tells that what is acknowledged was synced before.
	SyncsFirst() bool
	// ChangesMembers tells that nodes may lose their votes on the metadata and get them, and
	// that one may join with an empty disk.
	ChangesMembers() bool
	// StopsClean tells that a node which is asked to stop ends with exit code 0, be the others
	// up or not.
	StopsClean() bool
}

// Place is what a node is to know of where it is.
type Place struct {
	ID    int
	Addrs []string // of all nodes; the first is node 1's
	Dir   string   // on the node's disk
	Work  string   // not on it
	Joins bool     // its disk was emptied: it begins no cluster
}

// Chronik is chronik-server.
type Chronik struct {
	Server string // the binary
}

// Name implements Target.
func (Chronik) Name() string { return "chronik" }

// SyncsFirst implements Target.
func (Chronik) SyncsFirst() bool { return true }

// ChangesMembers implements Target.
func (Chronik) ChangesMembers() bool { return true }

// StopsClean implements Target.
func (Chronik) StopsClean() bool { return true }

// Command implements Target, with nothing that an operator would not have to say.
func (c Chronik) Command(p Place) ([]string, error) {
	var peers []string
	for i, addr := range p.Addrs {
		if i+1 != p.ID {
			peers = append(peers, fmt.Sprintf("%d@%s:%d", i+1, addr, peerPort))
		}
	}
	addr := p.Addrs[p.ID-1]
	command := []string{c.Server, "--node-id", fmt.Sprint(p.ID), "--advertised-addr", addr, "--kafka-port", fmt.Sprint(clientPort),
		"--data-dir", filepath.Join(p.Dir, "data"),
		"raft-cluster", "--raft-addr", fmt.Sprintf("%s:%d", addr, peerPort), "--peers", strings.Join(peers, ",")}
	if !p.Joins {
		command = append(command, "--bootstrap")
	}
	return command, nil
}

// Kafka is Apache Kafka: a broker and controller each.
type Kafka struct {
	// Java is what a command line begins with that runs one of its classes.
	Java []string
}

// Name implements Target.
func (Kafka) Name() string { return "kafka" }

// SyncsFirst implements Target: Kafka leaves syncing to the kernel.
func (Kafka) SyncsFirst() bool { return false }

// ChangesMembers implements Target: these have the voters in their properties.
func (Kafka) ChangesMembers() bool { return false }

// StopsClean implements Target: a JVM that is asked to stop ends with 143, and a broker
// whose controllers are gone waits for them.
func (Kafka) StopsClean() bool { return false }

// Command implements Target. A directory that is not formatted, or is no longer, is.
func (k Kafka) Command(p Place) ([]string, error) {
	var voters []string
	for i, addr := range p.Addrs {
		voters = append(voters, fmt.Sprintf("%d@%s:%d", i+1, addr, peerPort))
	}
	addr := p.Addrs[p.ID-1]
	// Beside what makes it a cluster: the least that nothing acknowledged is lost by, and no
	// wait before a group's first rebalance.
	properties := fmt.Sprintf(`process.roles=broker,controller
node.id=%d
controller.quorum.voters=%s
listeners=PLAINTEXT://%s:%d,CONTROLLER://%s:%d
controller.listener.names=CONTROLLER
log.dirs=%s
min.insync.replicas=2
default.replication.factor=3
offsets.topic.replication.factor=3
offsets.topic.num.partitions=5
group.initial.rebalance.delay.ms=0
`, p.ID, strings.Join(voters, ","), addr, clientPort, addr, peerPort, filepath.Join(p.Dir, "data"))
	file := filepath.Join(p.Work, "server.properties")
	if err := os.WriteFile(file, []byte(properties), 0o644); err != nil {
		return nil, err
	}
	return append(slices.Clone(k.Java), "kafka.Kafka", file), k.format(p, file)
}

func (k Kafka) format(p Place, properties string) error {
	if _, err := os.Stat(filepath.Join(p.Dir, "data", "meta.properties")); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	const clusterID = "4L6g3nShT-eMCtK--X86sw"
	out, err := runJava(append(slices.Clone(k.Java), "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", clusterID, "-c", properties))
	if err != nil {
		return fmt.Errorf("format: %w\n%s", err, out)
	}
	return nil
}
