package brokertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/ports"
)

// Build is the path of chronik-server, compiled once for the package's tests.
func Build(t testing.TB) string {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

var built = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(builtDir(), "chronik-server")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/chronik/chronik/cmd/chronik-server").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// builtDir is where this process's Build compiles to; Main removes it.
func builtDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprint("brokertest-", os.Getpid()))
}

// Main runs the tests of a package that uses Build.
func Main(m *testing.M) int {
	defer os.RemoveAll(builtDir()) //nolint:errcheck // a temporary directory
	return m.Run()
}

// FreePort is a port that nobody listens on at this moment (ports.Free).
func FreePort(t testing.TB) string {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// Process is a chronik-server process.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	read chan struct{} // closed when its output has ended

	mu   sync.Mutex
	more *sync.Cond
	log  []string
	over bool // the output has ended
}

// Launch starts a process. It is killed when the test ends.
func Launch(t testing.TB, binary string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(binary, args...), read: make(chan struct{})}
	p.more = sync.NewCond(&p.mu)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	go p.listen(stderr)
	return p
}

func (p *Process) listen(stderr io.Reader) {
	defer close(p.read)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		p.log = append(p.log, lines.Text())
		p.more.Broadcast()
		p.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.more.Broadcast()
}

// StartProcess starts a process and waits until it says that it is ready.
func StartProcess(t testing.TB, binary string, args ...string) *Process {
	t.Helper()
	p := Launch(t, binary, args...)
	p.Await(saidReady)
	return p
}

const saidReady = "chronik is ready"

// Await waits until the process has written a line that has text in it.
func (p *Process) Await(text string) {
	p.t.Helper()
	late := false
	timer := time.AfterFunc(startMax, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		late = true
		p.more.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for seen := 0; ; p.more.Wait() {
		for ; seen < len(p.log); seen++ {
			if strings.Contains(p.log[seen], text) {
				return
			}
		}
		switch {
		case p.over:
			p.t.Fatalf("the process ended and has not said %q:\n%s", text, strings.Join(p.log, "\n"))
		case late:
			p.t.Fatalf("the process has not said %q in time:\n%s", text, strings.Join(p.log, "\n"))
		}
	}
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
	return p.Ended(ctx)
}

// Ended waits until the process is gone, and returns its exit error.
func (p *Process) Ended(ctx context.Context) error {
	select {
	case <-p.read:
		return p.cmd.Wait()
	case <-ctx.Done():
		return fmt.Errorf("the process did not stop: %w\n%s", ctx.Err(), p.Log())
	}
}
