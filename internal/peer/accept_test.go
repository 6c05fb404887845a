package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

func TestARejectedNodeLearnsWhy(t *testing.T) {
	where := new(addresses)
	asked := make(chan Hello, 10)
	a := startHost(t, hostOptions{node: 1, where: where})
	b := startHost(t, hostOptions{node: 2, where: where, judge: func(h Hello) *Rejection {
		asked <- h
		return &Rejection{Final: true, Reason: "node 1 belongs to another cluster"}
	}})
	_, err := a.Request(t.Context(), 2, 1, nil)
	if r, ok := errors.AsType[*Rejection](err); !ok || !errors.Is(err, ErrNotSent) || !r.Final || r.Reason != "node 1 belongs to another cluster" {
		t.Error(err)
	}
	if r := <-a.got.rejected; !r.Final || r.Address != where.one(2) {
		t.Errorf("%+v", r)
	}
	h, want := <-asked, a.hello
	want.Purpose, want.Node, want.To = PurposeLink, 1, 2
	if !bytes.Equal(h.append(nil), want.append(nil)) {
		t.Errorf("%+v arrived as %+v", want, h)
	}
	if _, err := a.OpenStream(t.Context(), 2); !errors.As(err, new(*Rejection)) {
		t.Error(err)
	}
	if h := <-asked; h.Purpose != PurposeStream {
		t.Errorf("%+v", h)
	}
	// Nor does it speak to whom it does not accept, where that one would listen.
	if _, err := b.Request(t.Context(), 1, 1, nil); !errors.Is(err, ErrNotSent) || errors.As(err, new(*Rejection)) {
		t.Error(err)
	}
	if h := <-asked; h.Node != 1 || h.To != 2 {
		t.Errorf("%+v", h)
	}
	if len(b.got.rejected) > 0 {
		t.Error("it was told that it is rejected")
	}
}

func TestAnotherNodeListensThere(t *testing.T) {
	where := new(addresses)
	a, c := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 3, where: where})
	address := where.one(3)
	where.set(2, address)
	_, err := a.Request(t.Context(), 2, 1, nil)
	if r, ok := errors.AsType[*Rejection](err); !ok || r.Reason != "node 3 listens there, not node 2: check --peers" {
		t.Error(err)
	}
	if len(c.got.lost) > 0 {
		t.Error("a link that was never accepted was lost")
	}
}

// offered is what a node that dials says first.
func offered(h Hello) []byte { return encodeOffer(&h) }

// Goal: strangers are hung up on, without an answer, and harm nobody.
func TestStrangersAreHungUpOn(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	b := startHost(t, hostOptions{node: 2, where: where})
	address := where.one(1)
	hello := Hello{Purpose: PurposeLink, Node: 2, To: 1}
	later := offered(hello)
	later[len(magic)+1], later[len(magic)+3] = 90, 99
	for name, c := range map[string]struct {
		said   []byte
		answer bool
	}{
		"Kafka":           {[]byte("\x00\x00\x00\x15\x00\x12\x00\x03\x00\x00\x00\x01\x00\x07a-kafka\x00\x00\x00"), false},
		"HTTP":            {[]byte("GET / HTTP/1.1\r\n\r\n"), false},
		"TLS":             {[]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), false},
		"too long":        {append(bytes.Clone(offered(hello)[:offerBytes-4]), 0x7f, 0, 0, 0), false},
		"cut short":       {append(bytes.Clone(offered(hello)[:offerBytes-4]), 0, 0, 0, 1, 1), false},
		"unknown purpose": {offered(Hello{Purpose: 9, Node: 2, To: 1}), false},
		"negative node":   {offered(Hello{Purpose: PurposeLink, Node: -1, To: 1}), false},
		"later version":   {later, true},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(c.said)
		said, _ := io.ReadAll(conn) // ends at once, by a reset perhaps
		if c.answer != (len(said) > 0) {
			t.Errorf("%s: answered %q", name, said)
		}
		if c.answer {
			_, err := readAnswer(bytes.NewReader(said))
			if r, ok := errors.AsType[*Rejection](err); !ok || !r.Final {
				t.Errorf("%s: %v", name, err)
			}
		}
		conn.Close()
	}
	b.Send(1, 1, []byte("still there"))
	if m := <-a.got.messages; m.body != "still there" {
		t.Error(m)
	}
}

// Goal: whoever breaks the protocol loses the connection.
func TestBrokenFramesEndTheLink(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	address := where.one(1)
	a.got.onRequest(func(ctx context.Context, _ model.NodeID, _ Kind, _ []byte) ([]byte, error) {
		<-ctx.Done() // so that the second comes while the first is open
		return nil, ctx.Err()
	})
	request := head{typ: frameRequest, id: 1}
	for name, frames := range map[string][]byte{
		"unknown type":        {0, 0, 0, 1, 99},
		"no type":             {0, 0, 0, 0, 0},
		"too large":           {0x7f, 0, 0, 0, byte(frameMessage), 1},
		"shorter than a head": {0, 0, 0, 3, byte(frameRequest), 1, 1},
		"a heartbeat's body":  {0, 0, 0, 2, byte(frameHeartbeat), 1},
		"an answer":           (&head{typ: frameAnswer, id: 1}).append(nil),
		"stream data":         (&head{typ: frameData}).append(nil),
		"a request twice":     append(request.append(nil), request.append(nil)...),
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(offered(Hello{Purpose: PurposeLink, Node: 5, To: 1}))
		if h, err := readAnswer(conn); err != nil || h.Node != 1 {
			t.Fatal(h, err)
		}
		conn.Write(frames)
		io.Copy(io.Discard, conn)
		if node := <-a.got.lost; node != 5 {
			t.Errorf("%s: %d", name, node)
		}
		conn.Close()
	}
}

// Goal: a node has one link. A newer one ends the older, whose messages are all
// delivered or not at all before those of the newer.
func TestANewerLinkReplacesTheOlder(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	address := where.one(1)
	var older net.Conn
	for i := range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write(offered(Hello{Purpose: PurposeLink, Node: 5, To: 1}))
		if _, err := readAnswer(conn); err != nil {
			t.Fatal(err)
		}
		if older != nil {
			older.Write((&head{typ: frameMessage, kind: 1}).append(nil))
			io.Copy(io.Discard, older)
			if node := <-a.got.lost; node != 5 {
				t.Error(node)
			}
		}
		conn.Write((&head{typ: frameMessage, kind: Kind(10 + i)}).append(nil))
		if m := <-a.got.messages; m.kind != Kind(10+i) {
			t.Errorf("%d came in place of %d", m.kind, 10+i)
		}
		older = conn
	}
	if n := len(a.got.lost); n > 0 {
		t.Errorf("%d more links were lost", n)
	}
	a.stop()
	if n := len(a.got.lost); n > 0 {
		t.Error("a link that Run has ended was lost")
	}
	if n := len(a.mu.conns); n > 0 {
		t.Errorf("%d connections are kept", n)
	}
}
