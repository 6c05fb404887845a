package server

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzConnection sends arbitrary bytes, in pieces of arbitrary size, and closes.
// Whatever they are: responses come whole and in the order of the requests, the
// connection ends, and nothing of it is left (which run's cleanup checks).
func FuzzConnection(f *testing.F) {
	two := append(frame(testVersion, 1, []byte("ab")), frame(unservedVersion, 2, nil)...)
	f.Add(two, uint64(0))
	f.Add(append(two, frame(testVersion, 3, []byte("panic"))...), uint64(1))
	f.Add(append(two, frame(testVersion, 3, []byte("error"))...), uint64(2))
	f.Add(append(two, frame(testVersion, 3, []byte("silent"))...), uint64(2))
	f.Add(frame(testVersion, 3, make([]byte, 9000)), uint64(3))
	f.Add(claimOnly(700<<10, testVersion), uint64(4))
	f.Add(claimOnly(-1, testVersion), uint64(5))
	f.Add(claimOnly(1<<30, testVersion), uint64(6))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint64(7))
	f.Add([]byte{0x16, 3, 1, 2, 0, 1}, uint64(8))
	f.Add([]byte{0, 0}, uint64(9))
	f.Fuzz(func(t *testing.T, sent []byte, seed uint64) {
		synctest.Test(t, func(t *testing.T) { fuzzConnection(t, sent, seed) })
	})
}

func fuzzConnection(t *testing.T, sent []byte, seed uint64) {
	var started []int32 // the reader's, until the server has stopped
	s := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		started = append(started, r.CorrelationID)
		return fuzzReply(r), nil
	}), func(o *Options) {
		o.Limits.RequestMemoryBytesMax = 64 << 10
		o.Limits.PipelineMax = 2
		o.Limits.FrameBytesMax = 1 << 20
		o.Limits.FirstFrameBytesMax = 16 << 10
		o.Logger = discardLogger()
	})
	c := s.dial(t)
	go func() {
		writePieces(c, sent, rand.New(rand.NewPCG(seed, 0)))
		// In the bubble time passes when nothing moves: then every answer that
		// will come has come.
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
	}()
	var answered []int32
	for {
		r, err := readResponse(c)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a response was cut off")
		}
		if err != nil {
			break
		}
		answered = append(answered, r.correlationID)
	}
	_ = c.Close()
	s.stop()
	<-s.done
	next := 0
	for _, id := range answered {
		for next < len(started) && started[next] != id {
			next++
		}
		if next++; next > len(started) {
			t.Fatalf("answered %v of %v: not in order", answered, started)
		}
	}
}

// fuzzReply answers, fails, panics or stays silent as the body says.
func fuzzReply(r *Request) Reply {
	return func(_ context.Context, dst []byte) ([]byte, error) {
		switch string(r.Body) {
		case "panic":
			panic("as asked")
		case "error":
			return nil, errors.New("as asked")
		case "silent":
			return nil, nil
		}
		return append(binary.BigEndian.AppendUint32(dst, uint32(r.CorrelationID)), r.Body...), nil
	}
}

// writePieces writes b in pieces of random size until all is written or the other
// side has closed.
func writePieces(w net.Conn, b []byte, rnd *rand.Rand) {
	for len(b) > 0 {
		n := 1 + rnd.IntN(len(b))
		if _, err := w.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}
