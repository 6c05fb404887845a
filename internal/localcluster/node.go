package localcluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
)

const (
	// readyText is in the line by which a node says that it serves.
	readyText = "chronik is ready"
	// lastLinesMax is how many lines of a node that died are told again.
	lastLinesMax = 10
)

// event is what has become of a node: it serves, which comes once, or has ended.
type event struct {
	node  *node
	ended bool
	err   error // how it ended
}

// node is one process.
type node struct {
	id      int
	command *exec.Cmd
	output  *lineWriter
	events  chan<- event

	mu   sync.Mutex
	last []string
}

// newNode makes the process of a node, and does not start it.
func newNode(id int, o *Options, screen *screen, events chan<- event) *node {
	n := &node{id: id, events: events}
	ready := false
	n.output = &lineWriter{line: func(text []byte) {
		n.remember(string(text))
		screen.line(id, text)
		if !ready && bytes.Contains(text, []byte(readyText)) {
			ready = true
			events <- event{node: n}
		}
	}}
	n.command = exec.Command(o.Program, o.Plan.arguments(id)...)
	n.command.Args[0] = o.Name
	n.command.Stdout, n.command.Stderr = n.output, n.output
	n.command.SysProcAttr = attributes()
	return n
}

func (n *node) remember(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.last) == lastLinesMax {
		n.last = slices.Delete(n.last, 0, 1)
	}
	n.last = append(n.last, line)
}

func (n *node) lastLines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.last)
}

func (n *node) start() error {
	if err := n.command.Start(); err != nil {
		return fmt.Errorf("start node %d: %w", n.id, err)
	}
	return nil
}

// watch tells how the process has ended, once all that it wrote was passed on.
func (n *node) watch() {
	err := n.command.Wait()
	n.output.end()
	n.events <- event{node: n, ended: true, err: err}
}

// stop asks the process to stop in order. That it has ended already is no error.
func (n *node) stop() { _ = n.command.Process.Signal(os.Interrupt) }

// kill ends the process before it was watched.
func (n *node) kill() {
	_ = n.command.Process.Kill()
	_ = n.command.Wait()
}
