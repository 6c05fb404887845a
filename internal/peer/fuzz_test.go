package peer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/chronik/chronik/internal/model"
)

func helloSeeds() []Hello {
	return []Hello{
		{Purpose: PurposeLink, Node: 1, To: 2},
		{
			Purpose: PurposeStream, Node: 1 << 30, To: 0, ClusterID: "MkU3OEVBNTcwNTJENDM2Qk",
			Directory: model.UUID{1}, Incarnation: model.UUID{2}, Voters: []model.NodeID{1, 2, 3},
		},
	}
}

// What is read of an offer is what would be written; and nothing is read beyond it.
func FuzzOffer(f *testing.F) {
	for _, h := range helloSeeds() {
		f.Add(encodeOffer(&h))
	}
	later := encodeOffer(&Hello{Purpose: PurposeLink})
	later[offerBytes-1] += 2
	f.Add(append(later, 1, 2)) // of a later version, which says more
	f.Add([]byte("\x00\x00\x00\x15\x00\x12\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		h, err := readOffer(r)
		if err != nil {
			return
		}
		if err := h.check(); err != nil {
			t.Fatal(err)
		}
		checkOffer(t, h)
	})
}

func checkOffer(t *testing.T, h Hello) {
	t.Helper()
	r := bytes.NewReader(append(encodeOffer(&h), "what follows"...))
	again, err := readOffer(iotest.OneByteReader(r))
	h.Protocol = model.NewestProtocol
	if err != nil || !reflect.DeepEqual(again, h) {
		t.Fatalf("%+v became %+v, %v", h, again, err)
	}
	if r.Len() != len("what follows") {
		t.Fatalf("%d bytes are left", r.Len())
	}
}

func TestOffersSurviveTheirBytes(t *testing.T) {
	full := Hello{Purpose: PurposeLink, ClusterID: string(make([]byte, clusterIDMax)), Voters: make([]model.NodeID, votersMax)}
	for _, h := range append(helloSeeds(), full) {
		checkOffer(t, h)
		b := encodeOffer(&h)
		for n := range b {
			if _, err := readOffer(bytes.NewReader(b[:n])); err == nil {
				t.Fatalf("%d bytes of %d are an offer", n, len(b))
			}
		}
		for n := range len(b) - offerBytes {
			if _, err := decodeHello(b[offerBytes : offerBytes+n]); !errors.Is(err, errHello) {
				t.Fatalf("%d bytes: %v", n, err)
			}
		}
	}
	full.Voters = append(full.Voters, 1)
	if full.check() == nil {
		t.Error("too many voters can be sent")
	}
	if full = (Hello{ClusterID: string(make([]byte, clusterIDMax+1))}); full.check() == nil {
		t.Error("too long a cluster id can be sent")
	}
}

func FuzzAnswer(f *testing.F) {
	for _, h := range helloSeeds() {
		f.Add(acceptance(&h))
	}
	f.Add(rejection(&Rejection{Final: true, Reason: "no"}))
	f.Add(rejection(&Rejection{Reason: string(make([]byte, 2*reasonMax))}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readAnswer(bytes.NewReader(b))
		if r, ok := errors.AsType[*Rejection](err); ok {
			_, err := readAnswer(bytes.NewReader(rejection(r)))
			if again, ok := errors.AsType[*Rejection](err); !ok || again.Final != r.Final || again.Reason != r.Reason[:min(len(r.Reason), reasonMax)] {
				t.Fatalf("%+v became %v", r, err)
			}
			return
		}
		if err != nil {
			return
		}
		if again, err := readAnswer(bytes.NewReader(acceptance(&h))); err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}

// What is read of frames is what would be written, byte by byte; and no more is
// allocated than what has arrived is worth.
func FuzzFrames(f *testing.F) {
	for typ := frameHeartbeat; typ <= frameData; typ++ {
		h := head{typ: typ, kind: 3, id: 1 << 40}
		if typ != frameHeartbeat && typ != frameCancel {
			h.body = 4
		}
		f.Add(append(h.append(nil), "body"[:h.body]...))
	}
	f.Add((&head{typ: frameData, body: StreamFrameBytesMax}).append(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, byte(frameMessage), 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(iotest.HalfReader(bytes.NewReader(b)))
		var again []byte
		for {
			h, err := readHead(r, StreamFrameBytesMax)
			if err != nil {
				if errors.Is(err, io.EOF) && len(again) != len(b) {
					t.Fatalf("the end after %d bytes of %d", len(again), len(b))
				}
				break
			}
			body, err := readBody(r, nil, h.body)
			if err != nil {
				break
			}
			if cap(body) > max(readStep, 2*len(b)) {
				t.Fatalf("%d bytes allocated for %d", cap(body), len(b))
			}
			again = append(h.append(again), body...)
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%x was read as %x", b, again)
		}
	})
}

// Whatever comes as pieces, only what came is kept, and what is whole is what was split.
func FuzzPieces(f *testing.F) {
	for p := range split(3, []byte("a message")) {
		f.Add(p.append(nil), p.append(nil))
	}
	f.Add((&piece{transfer: 1, total: 4, bytes: []byte("ab")}).append(nil), (&piece{transfer: 1, total: 4, at: 2, bytes: []byte("cd")}).append(nil))
	f.Add((&piece{transfer: 1, total: 1 << 60, bytes: []byte("ab")}).append(nil), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var a assemblies
		var came []byte
		for _, body := range [][]byte{first, second} {
			p, err := decodePiece(body)
			if err != nil {
				continue
			}
			if again := p.append(nil); !bytes.Equal(again, body) {
				t.Fatalf("%x became %x", body, again)
			}
			if p.at == 0 {
				came = nil
			}
			came = append(came, p.bytes...)
			switch message, err := a.add(1, p); {
			case err != nil:
				came = nil
			case message != nil && (uint64(len(message)) != p.total || !bytes.Equal(message, came)):
				t.Fatalf("%x came, %x is the message of %d bytes", came, message, p.total)
			}
		}
		kept := 0
		for _, m := range a.from {
			kept += cap(m.bytes)
		}
		if kept > 2*(len(first)+len(second))+64 {
			t.Fatalf("%d bytes are kept of %d", kept, len(first)+len(second))
		}
	})
}
