//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/faults/disk"
	"github.com/chronik/chronik/interop/faults/mount"
)

// Node is one node: its process, which comes and goes, and its disk, which stays.
type Node struct {
	ID   int
	Addr string
	Log  string // file with what the processes have written

	target Target
	place  Place
	inside []string // what a command line begins with, to run in the node's network

	mu      sync.Mutex
	process *process
	downs   int // how many want it down
	pauses  int // how many want it to stand still
	starts  int
	ended   []string // what ended without being asked to

	diskMu sync.Mutex
	disk   *mount.Process
}

// process is one run of the server.
type process struct {
	cmd   *exec.Cmd
	done  chan struct{} // closed when it has ended
	asked bool          // to end
}

// Client is where clients find the node.
func (n *Node) Client() string { return fmt.Sprintf("%s:%d", n.Addr, clientPort) }

// Dir is where the node's files are, on its disk.
func (n *Node) Dir() string { return n.place.Dir }

// startLocked starts the server unless it runs.
func (n *Node) startLocked() error {
	if n.runsLocked() {
		return nil
	}
	command, err := n.target.Command(n.place)
	if err != nil {
		return fmt.Errorf("node %d: %w", n.ID, err)
	}
	log, err := os.OpenFile(n.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	n.starts++
	fmt.Fprintf(log, "--- start %d\n", n.starts)
	args := append(slices.Clone(n.inside), command...)
	p := &process{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// Ctrl+C is for us, and our own death for all.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("node %d: %w", n.ID, err)
	}
	n.process = p
	go n.watch(p)
	return nil
}

// restartAfter is how long whoever supervises servers waits before it starts one again.
const restartAfter = 2 * time.Second

// watch waits for the end of a process. One that nobody asked for is noted, and the
// server started again.
func (n *Node) watch(p *process) {
	_ = p.cmd.Wait() // ProcessState has it
	n.mu.Lock()
	asked := p.asked
	if !asked {
		n.ended = append(n.ended, fmt.Sprint(p.cmd.ProcessState))
	}
	close(p.done)
	n.mu.Unlock()
	if asked {
		return
	}
	time.Sleep(restartAfter)
	if err := n.Start(); err != nil {
		n.mu.Lock()
		n.ended = append(n.ended, err.Error())
		n.mu.Unlock()
	}
}

func (n *Node) runsLocked() bool {
	if n.process == nil {
		return false
	}
	select {
	case <-n.process.done:
		return false
	default:
		return true
	}
}

// Runs reports whether there is a process, be it a stopped one.
func (n *Node) Runs() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.runsLocked()
}

// Start starts the server, unless it runs or somebody wants it down.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.downs > 0 {
		return nil
	}
	return n.startLocked()
}

// Signal asks the process to end, without waiting: SIGKILL for a crash. It must stay down
// until Up is called. It reports whether there was a process.
func (n *Node) Signal(signal syscall.Signal) (*Ending, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.downs++
	if !n.runsLocked() {
		return &Ending{}, nil
	}
	n.process.asked = true
	if err := n.process.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return nil, fmt.Errorf("node %d: %w", n.ID, err)
	}
	return &Ending{process: n.process}, nil
}

// Ending is a process that was asked to end.
type Ending struct {
	process *process // nil: there was none
}

// Was reports whether there was a process.
func (e *Ending) Was() bool { return e.process != nil }

// Wait waits for its end, for a while; then it is killed.
func (e *Ending) Wait(limit time.Duration) Stopped {
	if e.process == nil {
		return Stopped{}
	}
	select {
	case <-e.process.done:
		return Stopped{InTime: true, Code: e.process.cmd.ProcessState.ExitCode()}
	case <-time.After(limit):
		_ = e.process.cmd.Process.Kill() // if it has not ended just now
		<-e.process.done
		return Stopped{Code: -1}
	}
}

// Stopped is how a process ended that was asked to.
type Stopped struct {
	InTime bool
	Code   int // -1: by a signal
}

// Up takes back what Signal has asked for, and starts the server with the last of those.
func (n *Node) Up() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.downs--
	if n.downs > 0 {
		return nil
	}
	return n.startLocked()
}

// Pause has the process stand still until Resume is called. It reports whether there was
// one.
func (n *Node) Pause() (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pauses++
	if !n.runsLocked() {
		return false, nil
	}
	return true, n.process.cmd.Process.Signal(syscall.SIGSTOP)
}

// Resume has the process go on with the last of those who wanted it to stand still.
func (n *Node) Resume() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pauses--
	if n.pauses > 0 || !n.runsLocked() {
		return nil
	}
	return n.process.cmd.Process.Signal(syscall.SIGCONT)
}

// Ended tells how processes ended that nobody had asked to, since it was last called.
func (n *Node) Ended() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ended := n.ended
	n.ended = nil
	return ended
}

// Empty takes everything from the disk, as a new one in its place has nothing; the node
// joins the others when it is started again. It must be down.
func (n *Node) Empty() error {
	n.diskMu.Lock()
	defer n.diskMu.Unlock()
	n.mu.Lock()
	n.place.Joins = true
	n.mu.Unlock()
	names, err := os.ReadDir(n.place.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		err = errors.Join(err, os.RemoveAll(filepath.Join(n.place.Dir, name.Name())))
	}
	dir, failed := os.Open(n.place.Dir)
	if failed != nil {
		return errors.Join(err, failed)
	}
	defer dir.Close()
	return errors.Join(err, dir.Sync()) // or a loss of power would bring names back
}

// LosePower takes from the disk what was not synced. The node must be down.
func (n *Node) LosePower(seed uint64) (disk.Loss, error) {
	n.diskMu.Lock()
	defer n.diskMu.Unlock()
	return n.disk.LosePower(seed)
}

// Fill leaves so many bytes of the disk free, or with a negative number all that there are.
func (n *Node) Fill(left int64) error {
	n.diskMu.Lock()
	defer n.diskMu.Unlock()
	if left < 0 {
		return n.disk.MakeRoom()
	}
	return n.disk.Fill(left)
}

// RefuseSyncs has every sync of the disk fail, or ends that.
func (n *Node) RefuseSyncs(refuse bool) error {
	n.diskMu.Lock()
	defer n.diskMu.Unlock()
	return n.disk.RefuseSyncs(refuse)
}

// Felt returns how often the disk was found full, and a sync failed.
func (n *Node) Felt() (disk.Felt, error) {
	n.diskMu.Lock()
	defer n.diskMu.Unlock()
	return n.disk.Felt()
}
