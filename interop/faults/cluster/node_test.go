//go:build linux

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless is a target that does nothing.
type endless struct{}

func (endless) Name() string         { return "endless" }
func (endless) SyncsFirst() bool     { return true }
func (endless) StopsClean() bool     { return false }
func (endless) ChangesMembers() bool { return true }
func (endless) Command(Place) ([]string, error) {
	return []string{"sleep", "1000"}, nil
}

func startNode(t *testing.T) *Node {
	t.Helper()
	n := &Node{ID: 1, Log: filepath.Join(t.TempDir(), "log"), target: endless{}}
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if e, err := n.Signal(syscall.SIGKILL); err == nil {
			e.Wait(time.Minute)
		}
	})
	return n
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestANodeIsDownAsLongAsSomebodyWantsIt: faults overlap.
func TestANodeIsDownAsLongAsSomebodyWantsIt(t *testing.T) {
	n := startNode(t)
	first, err := n.Signal(syscall.SIGKILL)
	noError(t, err)
	if stopped := first.Wait(time.Minute); !first.Was() || stopped != (Stopped{InTime: true, Code: -1}) {
		t.Errorf("%v: %+v", first.Was(), stopped)
	}
	second, err := n.Signal(syscall.SIGKILL)
	noError(t, err)
	if second.Was() || second.Wait(time.Minute) != (Stopped{}) {
		t.Error("a process that had been killed was there to be killed")
	}
	noError(t, n.Up())
	noError(t, n.Start())
	if n.Runs() {
		t.Error("it runs, though somebody wants it down")
	}
	noError(t, n.Up())
	if !n.Runs() || len(n.Ended()) > 0 {
		t.Error("it does not run, or is thought to have ended by itself")
	}
}

func TestANodeStandsStillAsLongAsSomebodyWantsIt(t *testing.T) {
	n := startNode(t)
	for range 2 {
		if stopped, err := n.Pause(); !stopped || err != nil {
			t.Errorf("%v, %v", stopped, err)
		}
	}
	n.await(t, "T", true)
	noError(t, n.Resume())
	n.await(t, "T", true)
	noError(t, n.Resume())
	n.await(t, "T", false)
}

// TestAPausedNodeCanBeKilled, and comes back running.
func TestAPausedNodeCanBeKilled(t *testing.T) {
	n := startNode(t)
	_, err := n.Pause()
	noError(t, err)
	ending, err := n.Signal(syscall.SIGKILL)
	noError(t, err)
	if !ending.Wait(time.Minute).InTime {
		t.Error("it did not end")
	}
	noError(t, n.Up())
	noError(t, n.Resume())
	n.await(t, "T", false)
}

// await waits until the process is in a state of /proc's, or is not: signals take a moment.
func (n *Node) await(t *testing.T, state string, want bool) {
	t.Helper()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.process.cmd.Process.Pid))
		noError(t, err)
		_, rest, _ := strings.Cut(string(text), ") ")
		if is := strings.Fields(rest)[0] == state; is == want {
			return
		}
		runtime.Gosched()
	}
}
