package brokertest

import (
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Processes is a cluster of three chronik-server processes, with the command line that
// the documentation names. They are killed when the test ends.
type Processes struct {
	Nodes [clusterSize]*Process // nil: not started

	t        testing.TB
	binary   string
	layout   layout
	kafka    [clusterSize]string // ports
	settings []string
	all      []*Process // that were ever started
}

// NewProcesses makes a cluster of processes that are not started yet. Settings are
// name=value, as for --override.
func NewProcesses(t testing.TB, settings ...string) *Processes {
	t.Helper()
	c := &Processes{t: t, binary: Build(t), layout: newLayout(t), settings: settings}
	for i := range c.kafka {
		c.kafka[i] = FreePort(t)
	}
	return c
}

// Arguments is a node's command line.
func (c *Processes) Arguments(id int) []string {
	args := []string{
		"--node-id", strconv.Itoa(id), "--advertised-addr", "localhost", "--kafka-port", c.kafka[id-1],
		"--admin-addr", "none", "--data-dir", c.layout.dirs[id-1], "--log-format", "text", "--override", patience,
	}
	for _, s := range c.settings {
		args = append(args, "--override", s)
	}
	return append(args, "raft-cluster", "--raft-addr", "127.0.0.1:"+c.layout.raft[id-1], "--peers", c.layout.peers(id), "--bootstrap")
}

// Launch starts nodes, one right after the other.
func (c *Processes) Launch(ids ...int) {
	c.t.Helper()
	for _, id := range ids {
		c.Nodes[id-1] = Launch(c.t, c.binary, c.Arguments(id)...)
		c.all = append(c.all, c.Nodes[id-1])
	}
}

// Await waits until nodes serve clients.
func (c *Processes) Await(ids ...int) {
	c.t.Helper()
	for _, id := range ids {
		c.Nodes[id-1].Await(saidReady)
	}
}

// Start is Launch and Await.
func (c *Processes) Start(ids ...int) {
	c.t.Helper()
	c.Launch(ids...)
	c.Await(ids...)
}

// Kill is kill -9 of nodes; it returns when they are gone.
func (c *Processes) Kill(ids ...int) {
	for _, id := range ids {
		c.Nodes[id-1].Kill()
	}
}

// Addr is where clients find a node.
func (c *Processes) Addr(id int) string { return "localhost:" + c.kafka[id-1] }

// Client is a franz-go client that knows all nodes; closed with the test.
func (c *Processes) Client(opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	return Client(c.t, "", append(opts, kgo.SeedBrokers(c.Addr(1), c.Addr(2), c.Addr(3)))...)
}
