package crowd

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// answering is a node that answers each request with so many bytes, the frame's size
// among them, and hangs up on connections after so many requests; 0: never.
func answering(t *testing.T, bytes, requestsMax int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serve := func(conn net.Conn) {
		defer conn.Close()
		for n := 1; requestsMax == 0 || n <= requestsMax; n++ {
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
				return
			}
			answer := make([]byte, bytes)
			binary.BigEndian.PutUint32(answer, uint32(bytes-4))
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// TestIdleConnectionsAnswerOrAreCounted: one of two has been ended by its node.
func TestIdleConnectionsAnswerOrAreCounted(t *testing.T) {
	var c Crowd
	addrs := []string{answering(t, 100, 0), answering(t, 100, 1)}
	t.Cleanup(c.Close) // before the nodes wait for its connections
	for _, addr := range addrs {
		if err := c.Join(t.Context(), addr); err != nil {
			t.Fatal(err)
		}
	}
	if answered, err := c.Ask(t.Context()); answered != 1 || err == nil {
		t.Errorf("%d answer, %v", answered, err)
	}
	if gone, err := c.Gone(); gone != 1 || err != nil {
		t.Errorf("%d are gone, %v", gone, err)
	}
}

// TestReadersTakeALittle: two are served, and one gets less than it would take.
func TestReadersTakeALittle(t *testing.T) {
	var c Crowd
	addrs := []string{answering(t, 1<<20, 0), answering(t, 100, 1+askedAtOnce), answering(t, 1<<20, 0)}
	t.Cleanup(c.Close) // before the nodes wait for its connections
	for _, addr := range addrs {
		if err := c.Stall(t.Context(), addr, "topic", 0); err != nil {
			t.Fatal(err)
		}
	}
	if served, err := c.Take(); served != 2 || err != nil {
		t.Errorf("%d were served, %v", served, err)
	}
}
