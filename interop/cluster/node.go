package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/command"
)

const (
	// listenMax is far above what the start of a JVM takes.
	listenMax = 60 * time.Second
	// exitMax is how long a node may take to hand over, flush and exit.
	exitMax = 30 * time.Second
)

// Node is one node of a cluster, running or not.
type Node struct {
	ID   int
	Addr string // for clients: host and port
	// SecureAddr is the same by TLS, once the cluster is secured.
	SecureAddr string
	// ClusterAddr is where chronik's nodes connect to each other.
	ClusterAddr string
	DataDir     string
	LogPath     string // what it prints, of all its runs

	args    []string // the program, and what it is always given
	server  int      // where in args the program of a node of chronik's is
	flags   []string // what it is given before that
	env     []string
	secure  func(keystore string) error // has it listen at SecureAddr as well, from its next start on
	exits   int                         // the code with which it ends in order when it is interrupted
	process *exec.Cmd
	log     *os.File      // at LogPath when the process was started; open until the next start, or Cluster.Close
	exited  chan struct{} // closed when the process has ended, after its ProcessState is set
	asked   bool          // the process was interrupted
}

// CommandLine is what starts the node, as one types it.
func (n *Node) CommandLine() string {
	return strings.Join(slices.Concat(n.args[:1], n.flags, n.args[1:]), " ")
}

// Configure gives a node of chronik's flags for its next start, in place of those that
// were given here before.
func (n *Node) Configure(flags ...string) { n.flags = flags }

// Use has a node of chronik's run another build, from its next start on.
func (n *Node) Use(server string) { n.args[n.server] = server }

// PID is the process of a node that runs.
func (n *Node) PID() int { return n.process.Process.Pid }

// Running reports whether the node was started and has not been ended.
func (n *Node) Running() bool { return n.process != nil }

// Gone is nil where the node runs, or was ended from here; otherwise it says how the node
// has ended by itself, and what it has logged last.
func (n *Node) Gone() error {
	if n.process == nil || n.asked {
		return nil
	}
	select {
	case <-n.exited:
		return n.endedByItself()
	default:
		return nil
	}
}

// goneLines of its log are repeated of a node that has ended by itself.
const goneLines = 20

// endedByItself is called once the process has ended.
func (n *Node) endedByItself() error {
	return fmt.Errorf("node %d has ended by itself, with %s; its log ends with\n%s", n.ID, n.process.ProcessState, n.logTail(goneLines))
}

// Start runs the node's process, and does not wait for it.
func (n *Node) Start() error {
	log, err := os.OpenFile(n.LogPath, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_ = n.log.Close() // of the start before
	n.log = log
	p := exec.Command(n.args[0], slices.Concat(n.flags, n.args[1:])...)
	p.Stdout, p.Stderr, p.Env = log, log, append(os.Environ(), n.env...)
	// A Ctrl+C at the terminal is ours to answer, not the node's.
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		return fmt.Errorf("start node %d: %w", n.ID, err)
	}
	n.process, n.exited, n.asked = p, make(chan struct{}), false
	go func(exited chan<- struct{}) {
		defer close(exited)
		_ = p.Wait() // its ProcessState says the same
	}(n.exited)
	return nil
}

// AwaitListening returns when the node accepts connections of clients.
func (n *Node) AwaitListening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listenMax)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.DialTimeout("tcp", n.Addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
		case <-n.exited:
			state := n.process.ProcessState
			n.process = nil
			return fmt.Errorf("node %d ended at its start: %s\n%s", n.ID, state, n.logTail(command.TailLines))
		case <-ctx.Done():
			return fmt.Errorf("node %d does not listen on %s: %w\n%s", n.ID, n.Addr, ctx.Err(), n.logTail(command.TailLines))
		}
	}
}

// Kill ends the process with SIGKILL, and returns when it is gone. That it was gone before
// is an error.
func (n *Node) Kill() error {
	if n.process == nil {
		return nil
	}
	err := n.signal(syscall.SIGKILL)
	<-n.exited
	n.process = nil
	return err
}

// Pause stops the process with SIGSTOP; its connections stay open.
func (n *Node) Pause() error { return n.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (n *Node) Resume() error { return n.signal(syscall.SIGCONT) }

// Interrupt asks the process to stop, as Ctrl+C does, and does not wait for it.
func (n *Node) Interrupt() error {
	err := n.signal(syscall.SIGINT)
	n.asked = err == nil
	return err
}

func (n *Node) signal(s syscall.Signal) error {
	err := n.process.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		<-n.exited
		return n.endedByItself()
	}
	return err
}

// AwaitExit waits for the end of a process that was asked to stop, and demands
// the exit code of one that has stopped in order.
func (n *Node) AwaitExit() error {
	p := n.process
	n.process = nil
	select {
	case <-n.exited:
		if p.ProcessState.ExitCode() != n.exits {
			return fmt.Errorf("node %d ended with %s, in order it is exit status %d\n%s", n.ID, p.ProcessState, n.exits, n.logTail(command.TailLines))
		}
		return nil
	case <-time.After(exitMax):
		err := p.Process.Kill()
		<-n.exited // killed, as it says
		return errors.Join(fmt.Errorf("node %d runs on %s after SIGINT\n%s", n.ID, exitMax, n.logTail(command.TailLines)), err)
	}
}

// Stop interrupts the node and returns how long it took to exit.
func (n *Node) Stop() (time.Duration, error) {
	if n.process == nil {
		return 0, nil
	}
	began := time.Now()
	if err := n.Interrupt(); err != nil {
		return 0, fmt.Errorf("stop node %d: %w", n.ID, err)
	}
	err := n.AwaitExit()
	return time.Since(began), err
}

// logTail reads the file that the node has open: its directory may be what a node has ended for
// the want of.
func (n *Node) logTail(lines int) string {
	data, err := io.ReadAll(io.NewSectionReader(n.log, 0, math.MaxInt64))
	if err != nil {
		return err.Error()
	}
	return command.Last(string(data), lines)
}
