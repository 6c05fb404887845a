package server

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
)

// Responses that give way do so after each piece of them that was sent, whether it was of one
// or of several, and none that comes after them does.
func TestResponsesGiveWayAfterEachPiece(t *testing.T) {
	const piece = writeChunkBytes
	var given atomic.Int64
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(_ context.Context, dst []byte) ([]byte, error) {
			size := int(binary.BigEndian.Uint32(r.Body[1:]))
			if r.Body[0] == 1 {
				r.GiveWay = func() { given.Add(1) }
			}
			result := respond(dst, r, nil)
			r.Insert(result, make([]byte, size))
			return result, nil
		}, nil
	}), nil)
	c := f.dial(t)
	id := int32(0)
	ask := func(gives byte, size int, want int64) {
		t.Helper()
		before := given.Load()
		id++
		mustWrite(t, c, frame(testVersion, id, binary.BigEndian.AppendUint32([]byte{gives}, uint32(size))))
		if got := mustRead(t, c, id); len(got) != size {
			t.Fatalf("%d bytes of %d", len(got), size)
		}
		if n := given.Load() - before; n != want {
			t.Errorf("response %d, of %d bytes, gave way %d times, want %d", id, size, n, want)
		}
	}
	ask(1, 3*piece, 3) // with what precedes the records it is a little more
	ask(0, 3*piece, 0)
	ask(1, piece-10, 0) // one write, which fills the piece
	ask(1, 100, 1)
	ask(1, 100, 0)
}
