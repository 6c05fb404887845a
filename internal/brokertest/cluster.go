package brokertest

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clusterSize is how many nodes the clusters of tests have.
const clusterSize = 3

// patience: on a machine that is busy a node may not get to its heartbeats. Nobody is
// found dead by their absence here: a process that is gone is found by its connections.
const patience = "broker.session.timeout.ms=9000"

// layout is where the nodes of a cluster are: id - 1 is the index.
type layout struct {
	dirs [clusterSize]string
	raft [clusterSize]string // ports of the loopback address
}

// newLayout reserves ports: nodes have to know each other's before they start.
func newLayout(t testing.TB) layout {
	t.Helper()
	var l layout
	root := t.TempDir()
	for i := range l.dirs {
		l.dirs[i] = filepath.Join(root, fmt.Sprint("node", i+1))
		l.raft[i] = FreePort(t)
	}
	return l
}

// peers are the others, as a node is told of them.
func (l *layout) peers(id int) string {
	var peers []string
	for i, port := range l.raft {
		if i+1 != id {
			peers = append(peers, fmt.Sprintf("%d@127.0.0.1:%s", i+1, port))
		}
	}
	return strings.Join(peers, ",")
}

// Cluster is three brokers in the test's process that are one cluster.
type Cluster struct {
	Nodes [clusterSize]*Broker // nil: not started

	t        testing.TB
	layout   layout
	settings []string
	logger   *slog.Logger
}

// StartCluster starts the nodes in some order, and returns when all serve clients. They
// stop with the test.
func StartCluster(t testing.TB, logger *slog.Logger, order []int, settings ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, layout: newLayout(t), settings: settings, logger: logger}
	c.Start(order...)
	return c
}

// Start starts nodes, one right after the other, and returns when they serve clients.
func (c *Cluster) Start(ids ...int) {
	c.t.Helper()
	for _, id := range ids {
		c.Nodes[id-1] = launch(c.t, c.layout.dirs[id-1], c.logger.With("on", id), append([]string{
			"node.id=" + strconv.Itoa(id), "raft.addr=127.0.0.1:" + c.layout.raft[id-1], "peers=" + c.layout.peers(id), "bootstrap=true", patience,
		}, c.settings...)...)
	}
	for _, id := range ids {
		c.Nodes[id-1].awaitReady()
	}
}

// Stop stops nodes in order, all at the same time.
func (c *Cluster) Stop(ids ...int) {
	c.t.Helper()
	for _, id := range ids {
		c.Nodes[id-1].stop()
	}
	for _, id := range ids {
		c.Nodes[id-1].Stop()
	}
}

// Client is a franz-go client that knows all nodes; closed with the test.
func (c *Cluster) Client(opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	var seeds []string
	for _, b := range c.Nodes {
		if b != nil {
			seeds = append(seeds, b.Addr)
		}
	}
	return Client(c.t, "", append(opts, kgo.SeedBrokers(seeds...))...)
}
