package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The key and version that test requests carry: Metadata v1, whose header is not
// flexible. The body is whatever the test's handler makes of it.
const (
	testKey     = 3
	testVersion = 1
	// unservedVersion is known to Kafka but not served by the test handler.
	unservedVersion = 2
)

// handlerFunc serves testKey and testVersion, and starts anything.
type handlerFunc func(ctx context.Context, r *Request) (Reply, error)

func (handlerFunc) Accepts(key, version int16) bool { return key == testKey && version == testVersion }

func (h handlerFunc) Start(ctx context.Context, r *Request) (Reply, error) { return h(ctx, r) }

// respond appends the response with the given body.
func respond(dst []byte, r *Request, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(r.CorrelationID)), body...)
}

// echo answers with the request's body.
func echo(_ context.Context, r *Request) (Reply, error) {
	return func(_ context.Context, dst []byte) ([]byte, error) { return respond(dst, r, r.Body), nil }, nil
}

// frame is a whole request with its length.
func frame(version int16, correlationID int32, body []byte) []byte {
	const clientID = "tester"
	b := make([]byte, 4, 4+10+len(clientID)+len(body))
	b = binary.BigEndian.AppendUint16(b, testKey)
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(correlationID))
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	b = append(append(b, clientID...), body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

type response struct {
	correlationID int32
	body          []byte
}

func readResponse(r io.Reader) (response, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return response{}, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r, b); err != nil {
		return response{}, err
	}
	return response{int32(binary.BigEndian.Uint32(b)), b[4:]}, nil
}

// lockedBuffer is a log's destination that a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fixture is a running server.
type fixture struct {
	*Server
	log  *lockedBuffer
	stop context.CancelFunc
	done chan struct{} // closed when Run has returned
	dial func(testing.TB) net.Conn
}

// start runs a server on 127.0.0.1 and stops it at the end of the test.
func start(t testing.TB, h Handler, change func(*Options)) *fixture {
	t.Helper()
	f := run(t, h, Listen{Name: "PLAINTEXT", Address: "127.0.0.1:0", Protocol: Plaintext}, change)
	addr := f.Addr("PLAINTEXT").String()
	f.dial = func(t testing.TB) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	return f
}

// startPipe runs a server over net.Pipe, for tests in a synctest bubble.
func startPipe(t testing.TB, h Handler, change func(*Options)) *fixture {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	f := run(t, h, Listen{Name: "PIPE", Protocol: Plaintext, Listener: l}, change)
	f.dial = func(t testing.TB) net.Conn {
		t.Helper()
		near, far := net.Pipe()
		l.conns <- far
		t.Cleanup(func() { _ = near.Close() })
		return near
	}
	return f
}

func run(t testing.TB, h Handler, l Listen, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{log: &lockedBuffer{}, done: make(chan struct{})}
	o := Options{
		Listeners: []Listen{l}, Handler: h, Limits: DefaultLimits(),
		Logger: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if f.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	if err := f.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.stop = cancel
	go func() {
		defer close(f.done)
		if err := f.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-f.done
		if st := f.Stats(); st.RequestMemoryBytes != 0 || st.RequestMemoryWaiting != 0 || st.Connections != 0 {
			t.Errorf("after Run: %d bytes of request memory in use, %d waiting, %d connections; want none",
				st.RequestMemoryBytes, st.RequestMemoryWaiting, st.Connections)
		}
	})
	return f
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func mustWrite(t testing.TB, w io.Writer, b []byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func mustRead(t testing.TB, r io.Reader, correlationID int32) []byte {
	t.Helper()
	got, err := readResponse(r)
	if err != nil {
		t.Fatalf("read response %d: %v", correlationID, err)
	}
	if got.correlationID != correlationID {
		t.Fatalf("got response %d, want %d", got.correlationID, correlationID)
	}
	return got.body
}

// mustClose waits until the server closes the connection, and returns what it
// sent before.
func mustClose(t testing.TB, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatal("the connection was not closed")
	}
	return b
}

// wantClosed checks why connections ended, once the server has stopped.
func (f *fixture) wantClosed(t testing.TB, r CloseReason, want int64) {
	t.Helper()
	f.stop()
	<-f.done
	if got := f.Stats().Closed[r]; got != want {
		t.Errorf("%d connections ended for %q, want %d; log:\n%s", got, r, want, f.log)
	}
}

func (f *fixture) wantLog(t testing.TB, parts ...string) {
	t.Helper()
	for line := range strings.Lines(f.log.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return
		}
	}
	t.Errorf("no log line has all of %q:\n%s", parts, f.log)
}

func discardLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// waitFor waits until cond holds, for what a socket's other side does and has no
// event for.
func waitFor(t testing.TB, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	giveUp := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-giveUp:
			t.Fatal("waited 20 s in vain")
		}
	}
}
