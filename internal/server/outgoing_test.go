package server

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"testing"
)

// takingConn takes as much of each write as it likes.
type takingConn struct {
	net.Conn
	took bytes.Buffer
	rand *rand.Rand
}

var errEnough = errors.New("enough for now")

func (c *takingConn) Write(p []byte) (int, error) {
	n := c.rand.IntN(len(p) + 1)
	c.took.Write(p[:n])
	if n < len(p) {
		return n, errEnough
	}
	return n, nil
}

// TestOutgoingIsSentInOrder: whatever is inserted where, and however little a write takes,
// every byte is sent once and in its place.
func TestOutgoingIsSentInOrder(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		next := byte(0)
		some := func(most int) []byte {
			b := make([]byte, r.IntN(most))
			for i := range b {
				next++
				b[i] = next
			}
			return b
		}
		var o outgoing
		var want []byte
		to := &takingConn{rand: r}
		for range r.IntN(6) {
			request := &Request{}
			for range r.IntN(4) {
				head, records := some(20), some(40)
				o.buf = append(o.buf, head...)
				request.Insert(o.buf, records)
				want = append(append(want, head...), records...)
			}
			tail := some(10)
			o.buf, want = append(o.buf, tail...), append(want, tail...)
			o.insertAll(request.inserts)
			for range r.IntN(3) {
				_, _ = o.send(to, nil, 1+r.IntN(50)) // an error says that it took less
			}
			if got := o.left() + to.took.Len(); got != len(want) {
				t.Fatalf("seed %d: %d bytes sent and left, want %d", seed, got, len(want))
			}
		}
		for o.left() > 0 {
			_, _ = o.send(to, nil, 1+r.IntN(50))
		}
		if !bytes.Equal(to.took.Bytes(), want) {
			t.Fatalf("seed %d: sent %v\nwant %v", seed, to.took.Bytes(), want)
		}
	}
}
