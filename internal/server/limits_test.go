package server

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// claimOnly is the beginning of a frame that claims size bytes.
func claimOnly(size int, version int16) []byte {
	b := frame(version, 1, nil)
	binary.BigEndian.PutUint32(b, uint32(size))
	return b
}

func TestBadSizesCloseTheConnection(t *testing.T) {
	for name, c := range map[string]struct {
		size int32
		want CloseReason
	}{
		"negative":  {-1, ClosedMalformed},
		"minimum":   {-1 << 31, ClosedMalformed},
		"zero":      {0, ClosedMalformed},
		"too short": {7, ClosedMalformed},
		"too large": {100<<20 + 1, ClosedTooLarge},
		"maximum":   {1<<31 - 1, ClosedTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, handlerFunc(echo), nil)
			conn := f.dial(t)
			mustWrite(t, conn, frame(testVersion, 1, []byte("fine")))
			mustWrite(t, conn, binary.BigEndian.AppendUint32(nil, uint32(c.size)))
			mustRead(t, conn, 1) // what was asked before is answered
			mustClose(t, conn)
			f.wantClosed(t, c.want, 1)
			f.wantLog(t, "level=INFO", "closed a connection", "frame of", "remote=127.0.0.1:")
		})
	}
}

func TestMalformedHeaderClosesTheConnection(t *testing.T) {
	f := start(t, handlerFunc(echo), nil)
	c := f.dial(t)
	mustWrite(t, c, []byte{0, 0, 0, 10, 0, testKey, 0, 1, 0, 0, 0, 1, 0x7f, 0xff}) // a client id of 32767 bytes
	mustClose(t, c)
	f.wantClosed(t, ClosedMalformed, 1)
}

func TestStrangersAreRecognised(t *testing.T) {
	for name, c := range map[string]struct {
		sent   string
		want   CloseReason
		advice string
	}{
		"TLS":    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ClosedTLS, "security.protocol=PLAINTEXT"},
		"HTTP":   {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ClosedHTTP, "not HTTP"},
		"HTTP/2": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ClosedHTTP, "not HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, handlerFunc(echo), nil)
			conn := f.dial(t)
			mustWrite(t, conn, []byte(c.sent))
			mustClose(t, conn)
			f.wantClosed(t, c.want, 1)
			f.wantLog(t, "level=INFO", "closed a connection", c.advice)
		})
	}
}

func TestScannerDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), nil)
		scan := func() {
			c := f.dial(t)
			mustWrite(t, c, []byte("GET "))
			mustClose(t, c)
			synctest.Wait()
		}
		for range 100 {
			scan()
		}
		lines := func() int { return strings.Count(f.log.String(), "level=INFO") }
		if n := lines(); n != 1 {
			t.Errorf("100 scans made %d lines, want 1", n)
		}
		time.Sleep(noisePeriod) // virtual
		scan()
		if n := lines(); n != 2 {
			t.Errorf("%d lines after the period, want 2", n)
		}
		f.wantLog(t, "level=INFO", "suppressed=99")
		f.wantClosed(t, ClosedHTTP, 101)
	})
}

func TestFirstFrameLimit(t *testing.T) {
	const large = 600 << 10
	for name, c := range map[string]struct {
		first  []byte
		closes bool
	}{
		"large and served":       {frame(testVersion, 1, make([]byte, large)), false},
		"large and not served":   {frame(unservedVersion, 1, make([]byte, large)), true},
		"small and not served":   {frame(unservedVersion, 1, make([]byte, 500<<10)), false},
		"large and not a header": {append(binary.BigEndian.AppendUint32(nil, large), make([]byte, large)...), true},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, handlerFunc(echo), nil)
			conn := f.dial(t)
			go func() { _, _ = conn.Write(c.first) }() // fails where the server closes
			if !c.closes {
				if body := mustRead(t, conn, 1); len(body) < 500<<10 {
					t.Errorf("a body of %d bytes came back", len(body))
				}
				return
			}
			if _, err := readResponse(conn); err == nil {
				t.Error("the request was answered")
			}
			f.wantClosed(t, ClosedTooLarge, 1)
		})
	}
}

func TestUnidentifiedConnectionBecomesIdentified(t *testing.T) {
	f := start(t, handlerFunc(echo), nil)
	c := f.dial(t)
	mustWrite(t, c, frame(unservedVersion, 1, nil))
	mustRead(t, c, 1)
	mustWrite(t, c, frame(testVersion, 2, nil))
	mustRead(t, c, 2)
	// Identified, it may send what it likes, within socket.request.max.bytes.
	go func() { _, _ = c.Write(frame(unservedVersion, 3, make([]byte, 2<<20))) }()
	if body := mustRead(t, c, 3); len(body) != 2<<20 {
		t.Errorf("a body of %d bytes came back", len(body))
	}
}

func TestClaimedLengthAllocatesNothing(t *testing.T) {
	// Fifty connections claim 100 MiB each and send what fits in a packet.
	const n = 50
	f := start(t, handlerFunc(echo), nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	head := claimOnly(100<<20, testVersion)
	for range n {
		mustWrite(t, f.dial(t), head)
	}
	waitFor(t, func() bool { return f.Stats().RequestMemoryBytes == n*firstBufferBytesMax })
	runtime.ReadMemStats(&after)
	grown := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes allocated for each claim of 100 MiB, client included", grown/n)
	if grown/n > 32<<10 {
		t.Errorf("%d bytes allocated for each connection, want at most 32 KiB", grown/n)
	}
}

func TestFullBudgetHoldsBackLargeFramesAndNoSmallOnes(t *testing.T) {
	release := make(chan struct{})
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(_ context.Context, dst []byte) ([]byte, error) {
			if len(r.Body) > 1<<20 {
				<-release
			}
			return respond(dst, r, nil), nil
		}, nil
	}), func(o *Options) { o.Limits.RequestMemoryBytesMax = 10 << 20 })
	var large []net.Conn
	for i := range 8 {
		c := f.dial(t)
		large = append(large, c)
		go func() { _, _ = c.Write(frame(testVersion, int32(i), make([]byte, 2<<20-100))) }()
	}
	waitFor(t, func() bool { return f.Stats().RequestMemoryWaiting > 0 })
	small := f.dial(t)
	mustWrite(t, small, frame(testVersion, 100, nil))
	mustRead(t, small, 100)
	if used := f.Stats().RequestMemoryBytes; used > 10<<20+4<<20 {
		t.Errorf("%d bytes in use, want at most 10 MiB and a frame", used)
	}
	close(release)
	for i, c := range large {
		mustRead(t, c, int32(i))
	}
}

func TestFrameLargerThanTheBudgetIsServed(t *testing.T) {
	f := start(t, handlerFunc(echo), func(o *Options) { o.Limits.RequestMemoryBytesMax = 1 << 20 })
	for i := range int32(3) {
		c := f.dial(t)
		go func() { _, _ = c.Write(frame(testVersion, i, make([]byte, 20<<20))) }()
		if body := mustRead(t, c, i); len(body) != 20<<20 {
			t.Errorf("a body of %d bytes came back", len(body))
		}
	}
}

func TestQueueOfRepliesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started atomic.Int32
		release := make(chan struct{})
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			started.Add(1)
			return func(_ context.Context, dst []byte) ([]byte, error) {
				<-release
				return respond(dst, r, nil), nil
			}, nil
		}), func(o *Options) { o.Limits.PipelineMax = 4 })
		c := f.dial(t)
		go func() {
			for i := range int32(20) {
				if _, err := c.Write(frame(testVersion, i, nil)); err != nil {
					t.Errorf("write: %v", err)
				}
			}
		}()
		synctest.Wait()
		// One with the writer, four queued, one that waits for a place.
		if n := started.Load(); n != 6 {
			t.Errorf("%d requests started, want 6", n)
		}
		close(release)
		for i := range int32(20) {
			mustRead(t, c, i)
		}
	})
}

func TestConnectionLimits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Limits)
		want   CloseReason
	}{
		"all":      {func(l *Limits) { l.ConnectionsMax = 2 }, RefusedConnections},
		"address":  {func(l *Limits) { l.ConnectionsPerIPMax = 2 }, RefusedPerIP},
		"override": {func(l *Limits) { l.ConnectionsPerIPOverrides = map[netip.Addr]int{netip.MustParseAddr("127.0.0.1"): 2} }, RefusedPerIP},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, handlerFunc(echo), func(o *Options) { c.change(&o.Limits) })
			a, b := f.dial(t), f.dial(t)
			for i, conn := range []net.Conn{a, b} {
				mustWrite(t, conn, frame(testVersion, int32(i), nil))
				mustRead(t, conn, int32(i))
			}
			mustClose(t, f.dial(t))
			f.wantLog(t, "level=INFO", "refused a connection", c.want.String())
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool { return f.Stats().Connections == 1 })
			again := f.dial(t)
			mustWrite(t, again, frame(testVersion, 9, nil))
			mustRead(t, again, 9)
			f.wantClosed(t, c.want, 1)
		})
	}
}

func TestAcceptOutlivesLackOfDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &failingListener{pipeListener: pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}}
		l.failures.Store(20)
		f := run(t, handlerFunc(echo), Listen{Name: "PIPE", Protocol: Plaintext, Listener: l}, nil)
		began := time.Now()
		near, far := net.Pipe()
		l.conns <- far
		// 5, 10, … 640 ms, then a second each: it neither spins nor gives up.
		if d := time.Since(began); d < 10*time.Second || d > 20*time.Second {
			t.Errorf("20 failures took %v, want 10 to 20 s", d)
		}
		mustWrite(t, near, frame(testVersion, 1, nil))
		mustRead(t, near, 1)
		if n := f.Stats().AcceptErrors; n != 20 {
			t.Errorf("%d accept errors counted, want 20", n)
		}
		f.wantLog(t, "level=WARN", "cannot accept", "too many open files")
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

type failingListener struct {
	pipeListener
	failures atomic.Int32
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.pipeListener.Accept()
}

func TestBindNamesTheSetting(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	s, err := New(Options{
		Listeners: []Listen{
			{Name: "A", Address: "127.0.0.1:0", Protocol: Plaintext},
			{Name: "B", Address: taken.Addr().String(), Protocol: Plaintext},
		},
		Handler: handlerFunc(echo), Limits: DefaultLimits(), Logger: discardLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Bind(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("Bind: %v, want address already in use", err)
	}
	for _, part := range []string{"listener B", taken.Addr().String(), "--kafka-port", "listeners"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is not one sentence", err)
	}
	// The one that was bound is free again.
	if nl, err := net.Listen("tcp", s.Addr("A").String()); err != nil {
		t.Errorf("listener A is still bound: %v", err)
	} else {
		_ = nl.Close()
	}
}

func TestNewRefusesWhatMakesNoSense(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"listeners: at least one":      func(o *Options) { o.Listeners = nil },
		"given twice":                  func(o *Options) { o.Listeners = append(o.Listeners, o.Listeners[0]) },
		"has no name":                  func(o *Options) { o.Listeners[0].Name = "" },
		"not host:port":                func(o *Options) { o.Listeners[0].Address = "localhost" },
		"protocol \"SASL_SSL\"":        func(o *Options) { o.Listeners[0].Protocol = "SASL_SSL" },
		"needs a TLS configuration":    func(o *Options) { o.Listeners[0].Protocol = SSL },
		"handshake time":               func(o *Options) { o.Limits.HandshakeMax = 0 },
		"Handler":                      func(o *Options) { o.Handler = nil },
		"socket.request.max.bytes":     func(o *Options) { o.Limits.FrameBytesMax = 0 },
		"sasl.server.max.receive.size": func(o *Options) { o.Limits.FirstFrameBytesMax = -1 },
		"queued.max.request.bytes":     func(o *Options) { o.Limits.RequestMemoryBytesMax = 0 },
		"max.connections ":             func(o *Options) { o.Limits.ConnectionsMax = 0 },
		"max.connections.per.ip":       func(o *Options) { o.Limits.ConnectionsPerIPMax = -1 },
		"connections.max.idle.ms":      func(o *Options) { o.Limits.IdleMax = 0 },
	} {
		o := Options{
			Listeners: []Listen{{Name: "A", Address: "127.0.0.1:0", Protocol: Plaintext}},
			Handler:   handlerFunc(echo), Limits: DefaultLimits(), Logger: discardLogger(),
		}
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want an error that says %q", err, want)
		}
	}
}

// The principal travels with every request: on a listener without
// authentication it is Kafka's ANONYMOUS.
func TestRequestsSayWhoAsks(t *testing.T) {
	asked := make(chan *ConnInfo, 2)
	f := start(t, handlerFunc(func(ctx context.Context, r *Request) (Reply, error) {
		asked <- r.Conn
		return echo(ctx, r)
	}), nil)
	c := f.dial(t)
	for i := range int32(2) {
		mustWrite(t, c, frame(testVersion, i, nil))
		mustRead(t, c, i)
		info := <-asked
		if got := info.Principal.String(); got != "User:ANONYMOUS" || info.Listener != "PLAINTEXT" {
			t.Errorf("request %d: %s on %s", i, got, info.Listener)
		}
	}
}
