package peer

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

var update = flag.Bool("update", false, "write the file of bytes anew")

// offering is an offer of other versions than this build's.
func offering(lowest, highest model.Protocol) []byte {
	b := encodeOffer(&Hello{Purpose: PurposeLink, Node: 2, To: 1})
	binary.BigEndian.PutUint16(b[len(magic):], uint16(lowest))
	binary.BigEndian.PutUint16(b[len(magic)+2:], uint16(highest))
	return b
}

func TestTheHighestVersionThatBothKnowIsSpoken(t *testing.T) {
	const newest = model.NewestProtocol
	f := func(lowest, highest, want model.Protocol) {
		t.Helper()
		h, err := readOffer(bytes.NewReader(offering(lowest, highest)))
		if want == 0 {
			if r, ok := errors.AsType[*Rejection](err); !ok || !r.Final || !strings.Contains(r.Reason, fmt.Sprintf("node 2 speaks versions %d to %d", lowest, highest)) {
				t.Errorf("%d to %d: %v", lowest, highest, err)
			}
			return
		}
		if err != nil || h.Protocol != want {
			t.Errorf("%d to %d: %d, %v, want %d", lowest, highest, h.Protocol, err, want)
		}
		if answer, err := readAnswer(bytes.NewReader(acceptance(&h))); err != nil || answer.Protocol != want {
			t.Errorf("%d to %d: the answer is %d, %v", lowest, highest, answer.Protocol, err)
		}
	}
	f(1, 1, 1)
	f(1, newest, newest)
	f(1, newest+7, newest)
	f(newest, newest+7, newest)
	f(newest+1, newest+7, 0)
	f(0, 0, 0)
}

// answersAs accepts links as a node of a version does, and answers requests with
// their kind.
func answersAs(t *testing.T, speaks model.Protocol) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		h, err := readOffer(conn)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write(acceptance(&Hello{Purpose: h.Purpose, Node: h.To, To: h.Node, Protocol: speaks}))
		r := newFrameReader(conn, BodyBytesMax)
		for {
			got, err := r.head()
			if err != nil {
				return
			}
			if _, err := r.body(got, nil); err != nil {
				return
			}
			if got.typ == frameRequest {
				_, _ = conn.Write(append((&head{typ: frameAnswer, id: got.id, body: 1}).append(nil), byte(got.kind)))
			}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l
}

func TestWhatANodeDoesNotKnowIsNotSent(t *testing.T) {
	where := new(addresses)
	l := answersAs(t, model.Protocol1)
	where.set(2, l.Addr().String())
	a := startHost(t, hostOptions{node: 1, where: where})
	t.Cleanup(a.stop) // before the listener waits for the connection's end
	for range 3 {
		_, err := a.RequestSince(t.Context(), model.Protocol2, 2, 7, []byte("later"))
		earlier, ok := errors.AsType[*ProtocolError](err)
		if !ok || !errors.Is(err, ErrNotSent) || *earlier != (ProtocolError{Node: 2, Speaks: 1, Since: 2}) {
			t.Fatal(err)
		}
		if answer, err := a.RequestSince(t.Context(), model.Protocol1, 2, 8, nil); err != nil || !bytes.Equal(answer, []byte{8}) {
			t.Fatal(answer, err)
		}
	}
	if link := a.link(2); len(link.slots) > 0 || link.mu.bytes != 0 {
		t.Errorf("%d slots and %d bytes are taken", len(link.slots), link.mu.bytes)
	}
}

// The file holds what goes between nodes before and around what others send, and a
// message of raft's: other builds read it. Lines may be added, and stay.
func TestBytesBetweenNodes(t *testing.T) {
	h := Hello{Purpose: PurposeStream, Node: 1, To: 2, ClusterID: "c", Directory: model.UUID{3}, Incarnation: model.UUID{4}, Voters: []model.NodeID{1, 2, 3}}
	var b strings.Builder
	line := func(what string, bytes []byte) { fmt.Fprintf(&b, "%s %s\n", what, hex.EncodeToString(bytes)) }
	for p := model.OldestProtocol; p <= model.NewestProtocol; p++ {
		h.Protocol = p
		line(fmt.Sprintf("acceptance-%d", p), acceptance(&h))
	}
	line("hello", h.append(nil))
	line("rejection", rejection(&Rejection{Reason: "no"})[len(magic)+2:])
	line("final rejection", rejection(&Rejection{Final: true, Reason: "no"})[len(magic)+2:])
	for typ := frameHeartbeat; typ <= frameData; typ++ {
		frame := head{typ: typ, kind: 3, id: 1 << 40, body: 4}
		if typ == frameHeartbeat || typ == frameCancel {
			frame.body = 0
		}
		line(fmt.Sprintf("frame-%d", typ), frame.append(nil))
	}
	message := &quorum.Message{
		Type: raftpb.MsgApp.Enum(), Entries: []*raftpb.Entry{{Term: proto.Uint64(3), Index: proto.Uint64(10), Data: []byte("d")}},
		To: proto.Uint64(2), From: proto.Uint64(1), Term: proto.Uint64(3), LogTerm: proto.Uint64(2), Index: proto.Uint64(9), Commit: proto.Uint64(8),
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	line("raft", body)
	const path = "testdata/bytes.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s has\n%s\nand now it is\n%s", path, want, b.String())
	}
}
