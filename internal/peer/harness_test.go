package peer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/chronik/chronik/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addresses are where nodes listen.
type addresses struct {
	mu sync.Mutex
	of map[model.NodeID]string
}

func (a *addresses) set(node model.NodeID, address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[model.NodeID]string)
	}
	a.of[node] = address
}

func (a *addresses) get(node model.NodeID) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	address, ok := a.of[node]
	return address, ok
}

// received is what a handler was called with.
type received struct {
	from model.NodeID
	kind Kind
	body string
}

// recorder is a Handler that passes on what comes.
type recorder struct {
	messages chan received
	request  func(ctx context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error)
	stream   func(ctx context.Context, from Hello, s *Stream)
	lost     chan model.NodeID
	rejected chan *Rejection
}

func newRecorder() *recorder {
	return &recorder{
		messages: make(chan received, 10_000), lost: make(chan model.NodeID, 100), rejected: make(chan *Rejection, 100),
		request: func(_ context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%d/%d/%s", from, kind, body), nil
		},
		stream: func(context.Context, Hello, *Stream) {},
	}
}

func (r *recorder) Message(from model.NodeID, kind Kind, body []byte) {
	r.messages <- received{from, kind, string(body)}
}

func (r *recorder) Request(ctx context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error) {
	return r.request(ctx, from, kind, body)
}

func (r *recorder) Stream(ctx context.Context, from Hello, s *Stream) { r.stream(ctx, from, s) }
func (r *recorder) Lost(node model.NodeID)                            { r.lost <- node }

func (r *recorder) Rejected(_ model.NodeID, rejection *Rejection) {
	select {
	case r.rejected <- rejection:
	default:
	}
}

// host is a node of a test: a Network that runs on loopback.
type host struct {
	*Network
	got   *recorder
	node  model.NodeID
	hello Hello
	stop  func()
}

type hostOptions struct {
	node    model.NodeID
	where   *addresses
	judge   func(Hello) *Rejection
	tls     *TLS
	handler *recorder
	listen  string // default: any port
}

func startHost(t testing.TB, o hostOptions) *host {
	t.Helper()
	if o.listen == "" {
		o.listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		t.Fatal(err)
	}
	o.where.set(o.node, listener.Addr().String())
	if o.handler == nil {
		o.handler = newRecorder()
	}
	h := &host{got: o.handler, node: o.node}
	h.hello = Hello{ClusterID: "c", Directory: model.UUID{1, byte(o.node)}, Incarnation: model.NewUUID(), Voters: []model.NodeID{1, 2, 3}}
	h.Network = New(Options{
		Node: o.node, Listener: listener, Address: o.where.get, Hello: func() Hello { return h.hello }, Judge: o.judge,
		TLS: o.tls, Handler: o.handler, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Network.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("node %d: %v", o.node, err)
		}
	})
	t.Cleanup(h.stop)
	h.awaitRun()
	return h
}

// awaitRun waits until Run has been called; before it, streams cannot be opened.
func (h *host) awaitRun() {
	for !h.spawn(func(context.Context) {}) {
		runtime.Gosched()
	}
}
