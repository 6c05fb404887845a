package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// Options is what Run needs besides the plan.
type Options struct {
	Plan Plan
	// Program is the file of chronik-server, and Name what it is called by.
	Program, Name string
	// Lines takes what the nodes say, and Notes what is said about them.
	Lines, Notes io.Writer
	// Colors tells nodes apart by colour.
	Colors bool
}

// Run starts the nodes and keeps them until ctx ends; then it stops them and returns
// nil where each has stopped in order. It returns an error where a port is taken, the
// directory is another cluster's, a node cannot be started, or none is left.
func Run(ctx context.Context, o Options) error {
	if err := o.Plan.check(); err != nil {
		return err
	}
	if err := o.Plan.checkPorts(); err != nil {
		return err
	}
	if err := o.Plan.prepare(); err != nil {
		return err
	}
	c := &cluster{Options: o, screen: &screen{lines: o.Lines, notes: o.Notes, colors: o.Colors},
		events: make(chan event), ready: map[int]bool{}}
	return c.run(ctx)
}

// cluster is of Run's goroutine, but for screen and events.
type cluster struct {
	Options
	screen *screen
	nodes  []*node
	events chan event

	ready     map[int]bool // by id; of those that have not ended
	ended     int
	announced bool
	stopping  bool
	failed    error // of the nodes that ended while they were to stop
}

func (c *cluster) run(ctx context.Context) error {
	for id := 1; id <= c.Plan.Nodes; id++ {
		c.nodes = append(c.nodes, newNode(id, &c.Options, c.screen, c.events))
	}
	release, err := c.start()
	defer release()
	if err != nil {
		return err
	}
	stop := ctx.Done()
	for c.ended < len(c.nodes) {
		select {
		case e := <-c.events:
			c.happened(e)
		case <-stop:
			stop, c.stopping = nil, true
			for _, n := range c.nodes {
				n.stop()
			}
		}
	}
	if !c.stopping {
		return errors.New("no node is left")
	}
	return c.failed
}

// start starts every node from one thread, which stays until release: the nodes end
// with it. Where one cannot be started, those that were are killed.
func (c *cluster) start() (release func(), err error) {
	began, done, released := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(released)
		// Not unlocked: a thread that has been locked ends with its goroutine, and
		// nobody else comes to start processes from it.
		runtime.LockOSThread()
		began <- c.startAll()
		<-done
	}()
	err = <-began
	return func() { close(done); <-released }, err
}

func (c *cluster) startAll() error {
	for i, n := range c.nodes {
		if err := n.start(); err != nil {
			for _, started := range c.nodes[:i] {
				started.kill()
			}
			return err
		}
	}
	for _, n := range c.nodes {
		go n.watch()
	}
	return nil
}

// happened follows what becomes of the nodes.
func (c *cluster) happened(e event) {
	switch {
	case !e.ended:
		c.ready[e.node.id] = true
	case c.stopping:
		c.ended++
		if e.err != nil {
			c.failed = errors.Join(c.failed, fmt.Errorf("node %d did not stop in order: %w", e.node.id, e.err))
		}
	default:
		c.ended++
		delete(c.ready, e.node.id)
		c.tellEnd(e)
	}
	if !c.stopping && !c.announced && len(c.ready) > 0 && len(c.ready) == len(c.nodes)-c.ended {
		c.announced = true
		c.announce()
	}
}

// announce says where clients connect to, and whom to kill.
func (c *cluster) announce() {
	var b strings.Builder
	for _, n := range c.nodes {
		if c.ready[n.id] {
			fmt.Fprintf(&b, "  node %d  %s  pid %d  %s\n", n.id, c.Plan.kafkaAddress(n.id), n.command.Process.Pid, c.Plan.dataDir(n.id))
		}
	}
	c.screen.note("%d of %d nodes are ready; clients connect to %s\n%sCtrl+C stops them all; kill -9 with a pid shows how the others go on without.",
		len(c.ready), len(c.nodes), c.Plan.bootstrap(), b.String())
}

// tellEnd says how a node ended, what it said last, and how to have it back.
func (c *cluster) tellEnd(e event) {
	how := "exit status 0"
	if e.err != nil {
		how = e.err.Error()
	}
	last := ""
	for _, line := range e.node.lastLines() {
		last += "  " + line + "\n"
	}
	c.screen.note("node %d has ended (%s), after these lines:\n%sStart it again in another terminal:\n  %s",
		e.node.id, how, last, commandLine(c.Name, c.Plan.arguments(e.node.id)))
}
