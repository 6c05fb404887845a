//go:build unix

package server

import (
	"context"
	"math"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// idleBytesMax is what an idle connection may cost the server, stacks included.
const idleBytesMax = 12 << 10

// TestTenThousandIdleConnections holds as many connections as the descriptor
// limit allows, up to 10,000: first silent, then idle after a request each. The
// clients are bare sockets, so that the memory measured is the server's.
func TestTenThousandIdleConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("opens 20,000 sockets")
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := int(min(10_000, (limit.Cur-min(limit.Cur, 200))/2))
	f := start(t, handlerFunc(func(ctx context.Context, r *Request) (Reply, error) {
		return func(_ context.Context, dst []byte) ([]byte, error) {
			return respond(dst, r, deep(20, r.Body)), nil
		}, nil
	}), nil)
	fds := make([]int, 0, n)
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
	})
	before := inUse()
	addr := f.Addr("PLAINTEXT").(*net.TCPAddr)
	to := &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte{127, 0, 0, 1}}
	for range n {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatalf("socket %d: %v", len(fds), err)
		}
		fds = append(fds, fd)
		if err := syscall.Connect(fd, to); err != nil {
			t.Fatalf("connect %d: %v", len(fds), err)
		}
	}
	waitFor(t, func() bool { return f.Stats().Connections == n })
	check := func(what string) {
		t.Helper()
		each := (inUse() - before) / int64(n)
		t.Logf("%d connections %s: %d bytes each", n, what, each)
		if each > idleBytesMax && !raceEnabled {
			t.Errorf("%d bytes for each connection %s, want at most %d", each, what, idleBytesMax)
		}
	}
	check("silent")

	request := frame(testVersion, 7, make([]byte, 2000))
	buf := make([]byte, 4096)
	for _, fd := range fds {
		if _, err := syscall.Write(fd, request); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	for _, fd := range fds {
		for got := 0; got < 4+4+2000; {
			k, err := syscall.Read(fd, buf)
			if err != nil || k == 0 {
				t.Fatalf("read: %d bytes, %v", k, err)
			}
			got += k
		}
	}
	waitFor(t, func() bool { return f.Stats().RequestMemoryBytes == 0 })
	check("idle after a request")

	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	t.Logf("peak resident: %d MiB, clients included", usage.Maxrss>>10)
}

// deep uses a stack like a real handler's, about 16 KiB, and returns b.
func deep(n int, b []byte) []byte {
	var frame [800]byte
	if n == 0 {
		return b
	}
	frame[n] = byte(len(b))
	b = deep(n-1, b)
	if frame[n] != byte(len(b)) {
		return nil
	}
	return b
}

// inUse is the heap and the stacks in use, after what is unused was collected:
// twice empties the pools, and each collection halves stacks that are too large.
func inUse() int64 {
	for range 5 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(min(m.HeapAlloc+m.StackInuse, math.MaxInt64))
}

// TestClosedConnectionsLeaveNoGoroutine catches loops that go on over a closed
// socket: nothing that could use the processor is left.
func TestClosedConnectionsLeaveNoGoroutine(t *testing.T) {
	f := start(t, handlerFunc(echo), nil)
	for range 200 {
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		mustRead(t, c, 1)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { return f.Stats().Connections == 0 })
	waitFor(t, func() bool { return runningHere() <= 2 }) // Run and accept
	f.wantClosed(t, ClosedByPeer, 200)
}

// runningHere counts the goroutines that this package started.
func runningHere() int {
	records := make([]runtime.StackRecord, 2000)
	n, ok := runtime.GoroutineProfile(records)
	if !ok {
		return n
	}
	count := 0
	for _, r := range records[:n] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var fr runtime.Frame
			fr, more = frames.Next()
			if fr.Func != nil && (containsAny(fr.Function, "server.(*conn)", "server.(*Server)")) {
				count++
				break
			}
		}
	}
	return count
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
