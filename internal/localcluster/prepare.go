package localcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// nodesFile remembers how many nodes a directory's cluster has: one more or less
	// would be other nodes than its metadata knows, not the same cluster.
	nodesFile = "nodes"
	// nodeFile is in the directory of a node that has been started.
	nodeFile = "meta.properties"
)

// prepare makes the directory, and refuses one that another cluster, or a single
// node, keeps its data in.
func (p *Plan) prepare() error {
	if _, err := os.Stat(filepath.Join(p.DataDir, nodeFile)); err == nil {
		return fmt.Errorf("%s is the data directory of a single node; choose another with --data-dir", p.DataDir)
	}
	path := filepath.Join(p.DataDir, nodesFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(p.DataDir, 0o755); err != nil {
			return fmt.Errorf("data directory %s (--data-dir) cannot be made: %w", p.DataDir, err)
		}
		return os.WriteFile(path, []byte(strconv.Itoa(p.Nodes)+"\n"), 0o644)
	}
	if err != nil {
		return err
	}
	if held := strings.TrimSpace(string(text)); held != strconv.Itoa(p.Nodes) {
		return fmt.Errorf("%s holds a cluster of %s nodes; start it with --nodes %s, or choose another --data-dir", p.DataDir, held, held)
	}
	return nil
}

// checkPorts refuses ports that somebody listens at, before any node is started.
func (p *Plan) checkPorts() error {
	for node := 1; node <= p.Nodes; node++ {
		for _, port := range [...]int{p.kafkaPort(node), p.raftPort(node)} {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				return fmt.Errorf("port %d, which node %d would listen at, is not free; stop what has it, or choose other ports with --kafka-port (%w)", port, node, err)
			}
			if err := l.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}
