package brokertest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Build compiles chronik-server once for a test, and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "chronik-server")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/chronik/chronik/cmd/chronik-server").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// FreePort is a loopback port that nobody listens on at this moment.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Process is a chronik-server process.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	mu   sync.Mutex
	log  []string
	read chan struct{} // closed when its output has ended
}

// StartProcess starts a process and waits until it says that it is ready.
func StartProcess(t testing.TB, binary string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(binary, args...), read: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	ready := make(chan struct{})
	go func() {
		defer close(p.read)
		said := false
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			p.log = append(p.log, lines.Text())
			p.mu.Unlock()
			if !said && strings.Contains(lines.Text(), "chronik is ready") {
				said = true
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-p.read:
		t.Fatalf("the process ended before it was ready:\n%s", p.Log())
	case <-time.After(startMax):
		t.Fatalf("the process was not ready in time:\n%s", p.Log())
	}
	return p
}

// Log is what the process has written.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// Kill is kill -9; it returns when the process is gone.
func (p *Process) Kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.read
	_ = p.cmd.Wait() // killed
}

// Interrupt is Ctrl+C; it returns the process's exit error once it is gone.
func (p *Process) Interrupt(ctx context.Context) error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { <-p.read; ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the process did not stop: %w\n%s", ctx.Err(), p.Log())
	}
}
