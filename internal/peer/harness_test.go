package peer

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/chronik/chronik/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addresses are where nodes listen.
type addresses struct {
	mu sync.Mutex
	of map[model.NodeID][]string
}

func (a *addresses) set(node model.NodeID, known ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[model.NodeID][]string)
	}
	a.of[node] = known
}

func (a *addresses) get(node model.NodeID) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of[node]
}

// one is a node's only address.
func (a *addresses) one(node model.NodeID) string { return a.get(node)[0] }

// received is what a handler was called with.
type received struct {
	from model.NodeID
	kind Kind
	body string
}

// recorder is a Handler that passes on what comes.
type recorder struct {
	messages chan received
	lost     chan model.NodeID
	rejected chan *Rejection
	request  atomic.Pointer[requestFunc]
	stream   atomic.Pointer[streamFunc]
}

type (
	requestFunc func(ctx context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error)
	streamFunc  func(ctx context.Context, from Hello, s *Stream)
)

func (r *recorder) onRequest(f requestFunc) { r.request.Store(&f) }
func (r *recorder) onStream(f streamFunc)   { r.stream.Store(&f) }

func newRecorder() *recorder {
	r := &recorder{
		messages: make(chan received, 10_000), lost: make(chan model.NodeID, 100), rejected: make(chan *Rejection, 100),
	}
	r.onRequest(func(context.Context, model.NodeID, Kind, []byte) ([]byte, error) { return nil, nil })
	r.onStream(func(context.Context, Hello, *Stream) {})
	return r
}

func (r *recorder) Message(from model.NodeID, kind Kind, body []byte) {
	r.messages <- received{from, kind, string(body)}
}

func (r *recorder) Request(ctx context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error) {
	return (*r.request.Load())(ctx, from, kind, body)
}

func (r *recorder) Stream(ctx context.Context, from Hello, s *Stream) {
	(*r.stream.Load())(ctx, from, s)
}
func (r *recorder) Lost(node model.NodeID) { r.lost <- node }

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
	// raft, if set, takes what arrives. Before Run is called ready is.
	raft  *raftHandler
	ready func(*Network)
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
	var handler Handler = o.handler
	if o.raft != nil {
		o.raft.recorder = o.handler
		handler = o.raft
	}
	h.hello = Hello{ClusterID: "c", Directory: model.UUID{1, byte(o.node)}, Incarnation: model.NewUUID(), Voters: []model.NodeID{1, 2, 3}}
	h.Network = New(Options{
		Node: o.node, Listener: listener, Addresses: o.where.get, Hello: func() Hello { return h.hello }, Judge: o.judge,
		TLS: o.tls, Handler: handler, Logger: slog.New(slog.DiscardHandler),
	})
	if o.ready != nil {
		o.ready(h.Network)
	}
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
