package peer

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

func TestWhatBecomesOfARequest(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	ask := func(ctx context.Context, kind Kind) error {
		_, err := a.Request(ctx, 2, kind, []byte("q"))
		return err
	}
	if err := ask(t.Context(), 1); !errors.Is(err, ErrNotSent) {
		t.Errorf("the address is not known: %v", err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	where.set(2, closed.Addr().String())
	if err := ask(t.Context(), 1); !errors.Is(err, ErrNotSent) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}

	begun, ended := make(chan struct{}), make(chan error)
	b := startHost(t, hostOptions{node: 2, where: where, handler: newRecorder()})
	b.got.onRequest(func(ctx context.Context, _ model.NodeID, _ Kind, _ []byte) ([]byte, error) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { asked <- ask(ctx, 1) }()
	<-begun
	cancel()
	if err := <-asked; !errors.Is(err, ErrLost) || !errors.Is(err, context.Canceled) {
		t.Errorf("the asker gave up: %v", err)
	}
	<-ended // the handler has heard of it

	go func() { asked <- ask(t.Context(), 1) }()
	<-begun
	go b.stop()
	<-ended
	if err := <-asked; !errors.Is(err, ErrLost) {
		t.Errorf("the node stopped: %v", err)
	}
	a.stop()
	if err := ask(t.Context(), 1); !errors.Is(err, ErrNotSent) || !errors.Is(err, ErrStopped) {
		t.Errorf("this node has stopped: %v", err)
	}
	if _, err := a.OpenStream(t.Context(), 2); err == nil {
		t.Error("a stream was opened")
	}
	a.Send(2, 1, nil) // goes nowhere
}

// Before a node is reached a request can be taken back.
func TestARequestThatIsTakenBackIsNotSent(t *testing.T) {
	n := New(Options{Node: 1, Addresses: func(model.NodeID) []string { return nil }, Hello: func() Hello { return Hello{} }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 * requestsMax {
		if _, err := n.Request(ctx, 2, 1, make([]byte, 100)); !errors.Is(err, ErrNotSent) || !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if l := n.Links()[0]; l.Queued+l.Unanswered > 0 {
		t.Errorf("%+v", l)
	}
	if _, err := n.Request(ctx, 2, 1, make([]byte, BodyBytesMax+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// Goal: more requests than a node answers at a time wait at who asks, and what they wait
// for can come behind them. Method: all are answered when a message comes.
func TestRequestsDoNotHoldUpMessages(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	begun, release := make(chan struct{}, 2*requestsMax), make(chan struct{})
	b.got.onRequest(func(context.Context, model.NodeID, Kind, []byte) ([]byte, error) {
		begun <- struct{}{}
		<-release
		return nil, nil
	})
	asked := make(chan error, 2*requestsMax)
	for range cap(asked) {
		go func() {
			_, err := a.Request(t.Context(), 2, 1, nil)
			asked <- err
		}()
	}
	for range requestsMax {
		<-begun
	}
	a.Send(2, 1, []byte("go on"))
	if m := <-b.got.messages; m.body != "go on" {
		t.Error(m)
	}
	if n := len(begun); n > 0 {
		t.Errorf("%d requests too many were begun", n)
	}
	close(release)
	for range cap(asked) {
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
	}
}

// Goal: a node that reads nothing costs a bounded amount of memory.
func TestASlowNodeCostsABoundedQueue(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	b.got.messages = make(chan received) // nobody takes from it yet
	const count, size = 1000, 1 << 20
	body := make([]byte, size)
	for range count {
		a.Send(2, 1, body)
	}
	l := a.link(2)
	l.mu.Lock()
	bytes := l.mu.bytes
	l.mu.Unlock()
	if bytes > queueBytesMax+size {
		t.Errorf("%d bytes are queued", bytes)
	}
	dropped := a.Links()[0].Dropped
	if dropped < count/2 {
		t.Errorf("%d were dropped", dropped)
	}
	for range count - dropped {
		if m := <-b.got.messages; len(m.body) != size {
			t.Fatal(len(m.body))
		}
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	l := newLink(nil, 2)
	for range queueFramesMax {
		if !l.put(outgoing{}) {
			t.Fatal("the queue is full early")
		}
	}
	if l.put(outgoing{}) {
		t.Error("a frame too many is taken")
	}
	if l = newLink(nil, 2); !l.put(outgoing{body: make([]byte, queueBytesMax)}) || l.put(outgoing{body: make([]byte, 1)}) {
		t.Error("the bound on bytes is another")
	}
}

func TestMessagesComeAgainAfterARestart(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	a.Send(2, 1, []byte("first"))
	b.Send(1, 1, []byte("back"))
	<-b.got.messages
	<-a.got.messages
	b.stop()
	if node := <-a.got.lost; node != 2 {
		t.Error(node)
	}
	if err := a.Probe(t.Context(), 2); !errors.Is(err, ErrRefused) {
		t.Errorf("nobody listens: %v", err)
	}
	address := where.one(2)
	b = startHost(t, hostOptions{node: 2, where: where, listen: address})
	if err := a.Probe(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if _, err := a.Request(t.Context(), 2, 1, nil); err != nil {
		// The first may have found the old connection.
		if _, err = a.Request(t.Context(), 2, 1, nil); err != nil {
			t.Error(err)
		}
	}
	a.Send(2, 1, []byte("again"))
	if m := <-b.got.messages; m.body != "again" {
		t.Error(m)
	}
	if err := a.Probe(t.Context(), 9); err == nil || errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// A node whose process is gone is known to be, until it is there again.
func TestWhoseProcessIsGoneIsKnown(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	address := where.one(2)
	ask := func() error {
		_, err := a.Request(t.Context(), 2, 1, nil)
		return err
	}
	if err := ask(); err != nil || a.Refused(2) || a.Refused(3) {
		t.Fatalf("%v; refused: %t", err, a.Refused(2))
	}
	b.stop()
	for !a.Refused(2) {
		if err := ask(); err == nil {
			t.Fatal("one that has ended answers")
		}
	}
	startHost(t, hostOptions{node: 2, where: where, listen: address})
	for ask() != nil {
		if t.Context().Err() != nil {
			t.Fatal("it is not found again")
		}
	}
	if a.Refused(2) {
		t.Error("one that answers is thought to be gone")
	}
}
