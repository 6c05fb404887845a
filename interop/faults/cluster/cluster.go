//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/faults/mount"
	"github.com/chronik/chronik/interop/nets"
)

// Cluster is three nodes.
type Cluster struct {
	Nodes []*Node // node 1 first

	netMu sync.Mutex
	net   *nets.Network
}

// Options say what to run, and where.
type Options struct {
	Target Target
	Nodes  int
	// Work is a directory for logs and disks, which is made.
	Work string
	// Disk is the command that serves a disk; its store and its directory are appended.
	Disk []string
}

// stopMax is how long a node may take to stop in order: with a leader to hand over to, no
// longer than it takes to say so.
const stopMax = 30 * time.Second

// New makes the networks and the disks, and starts nothing.
func New(o Options) (*Cluster, error) {
	network, err := nets.New(o.Nodes)
	if err != nil {
		return nil, err
	}
	c := &Cluster{net: network}
	var addrs []string
	for id := 1; id <= o.Nodes; id++ {
		addrs = append(addrs, network.Addr(id))
	}
	for id := 1; id <= o.Nodes; id++ {
		if err := c.add(o, id, addrs); err != nil {
			return nil, errors.Join(fmt.Errorf("node %d: %w", id, err), c.Close())
		}
	}
	return c, nil
}

// NodeDir is where, below a cluster's directory, a node has what ends with it.
func NodeDir(work string, id int) string { return filepath.Join(work, fmt.Sprint("node", id)) }

// DiskDir is where a node's disk is mounted.
func DiskDir(work string, id int) string { return filepath.Join(NodeDir(work, id), "disk") }

func (c *Cluster) add(o Options, id int, addrs []string) error {
	work, dir := NodeDir(o.Work, id), DiskDir(o.Work, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	d, err := mount.Start(append(o.Disk, filepath.Join(work, "store"), dir), dir)
	if err != nil {
		return err
	}
	c.Nodes = append(c.Nodes, &Node{ID: id, Addr: addrs[id-1], Log: filepath.Join(o.Work, fmt.Sprintf("node%d.log", id)),
		target: o.Target, place: Place{ID: id, Addrs: addrs, Dir: dir, Work: work}, inside: c.net.Inside(id), disk: d})
	return nil
}

// Node returns a node by its number.
func (c *Cluster) Node(id int) *Node { return c.Nodes[id-1] }

// Bootstrap is where clients find the cluster.
func (c *Cluster) Bootstrap() []string {
	var list []string
	for _, n := range c.Nodes {
		list = append(list, n.Client())
	}
	return list
}

// Start starts every node that does not run, and waits until all accept clients.
func (c *Cluster) Start(ctx context.Context) error {
	var starting sync.WaitGroup
	failed := make([]error, len(c.Nodes))
	for i, n := range c.Nodes {
		starting.Go(func() { failed[i] = n.Start() })
	}
	starting.Wait()
	err := errors.Join(failed...)
	for _, n := range c.Nodes {
		if err == nil {
			err = n.awaitListening(ctx)
		}
	}
	return err
}

// awaitListening waits until the node accepts connections, or ctx ends.
func (n *Node) awaitListening(ctx context.Context) error {
	for {
		d := net.Dialer{Timeout: time.Second}
		conn, err := d.DialContext(ctx, "tcp", n.Client())
		if err == nil {
			return conn.Close()
		}
		if !n.Runs() {
			return fmt.Errorf("node %d ended at its start: see %s", n.ID, n.Log)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %d does not accept clients: %w; see %s", n.ID, ctx.Err(), n.Log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Cut drops what goes along links, until heal is called.
func (c *Cluster) Cut(links []nets.Link) (heal func() error, err error) {
	c.netMu.Lock()
	defer c.netMu.Unlock()
	mend, err := c.net.Cut(links)
	return func() error {
		c.netMu.Lock()
		defer c.netMu.Unlock()
		return mend()
	}, err
}

// Unplug is every link of a node.
func (c *Cluster) Unplug(node int) []nets.Link { return c.net.Unplug(node) }

// Dropped counts the packets that cuts have dropped.
func (c *Cluster) Dropped() (int64, error) {
	c.netMu.Lock()
	defer c.netMu.Unlock()
	return c.net.Dropped()
}

// Close ends everything at once.
func (c *Cluster) Close() error {
	var endings []*Ending
	var err error
	for _, n := range c.Nodes {
		e, failed := n.Signal(syscall.SIGKILL)
		if err = errors.Join(err, failed); failed == nil {
			endings = append(endings, e)
		}
	}
	for _, e := range endings {
		e.Wait(stopMax)
	}
	for _, n := range c.Nodes {
		err = errors.Join(err, n.disk.Close())
	}
	return errors.Join(err, c.net.Close())
}

// StopAll stops every node in order, at the same time, and says which did not end with
// exit code 0.
func (c *Cluster) StopAll() error {
	endings := make([]*Ending, len(c.Nodes))
	var err error
	for i, n := range c.Nodes {
		var failed error
		if endings[i], failed = n.Signal(syscall.SIGTERM); failed != nil {
			return failed
		}
	}
	for i, e := range endings {
		if stopped := e.Wait(stopMax); e.Was() && stopped != (Stopped{InTime: true}) {
			err = errors.Join(err, fmt.Errorf("node %d did not stop with exit code 0 within %s: %+v", i+1, stopMax, stopped))
		}
	}
	return err
}

// runJava runs a tool of Kafka's to its end.
func runJava(command []string) (string, error) {
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
