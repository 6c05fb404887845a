package server

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

// heldReply answers with size bytes that count as held until OnWritten.
func heldReply(r *Request, held *atomic.Int64, size int) Reply {
	return func(_ context.Context, dst []byte) ([]byte, error) {
		held.Add(1)
		r.OnWritten = func() { held.Add(-1) }
		return respond(dst, r, make([]byte, size)), nil
	}
}

func TestOnWrittenIsCalledOnceTheClientHasTheResponse(t *testing.T) {
	var held atomic.Int64
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return heldReply(r, &held, len(r.Body)), nil
	}), nil)
	c := f.dial(t)
	for i := range int32(3) {
		mustWrite(t, c, frame(testVersion, i, make([]byte, 1<<i)))
	}
	for i := range int32(3) {
		mustRead(t, c, i)
	}
	waitFor(t, func() bool { return held.Load() == 0 })
}

// What a client does not read counts as held until the connection ends.
func TestOnWrittenWaitsForSlowReader(t *testing.T) {
	const size = 64 << 20 // far more than the system's socket buffers
	var held atomic.Int64
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return heldReply(r, &held, size), nil
	}), nil)
	c := f.dial(t)
	mustWrite(t, c, frame(testVersion, 1, nil))
	var some [4]byte
	if _, err := c.Read(some[:]); err != nil { // the writer is at it
		t.Fatal(err)
	}
	if held.Load() != 1 {
		t.Fatal("a response that is being written is not held any more")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return held.Load() == 0 })
}

// A reply that waits has the responses before it written, and given up: it may be
// waiting for just that memory.
func TestOnWrittenOfEarlierResponsePrecedesAWait(t *testing.T) {
	given := make(chan struct{})
	first := true
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		if first {
			first = false
			return func(_ context.Context, dst []byte) ([]byte, error) {
				r.OnWritten = func() { close(given) }
				return respond(dst, r, nil), nil
			}, nil
		}
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			select {
			case <-given:
				return respond(dst, r, nil), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}, nil
	}), nil)
	c := f.dial(t)
	mustWrite(t, c, append(frame(testVersion, 1, nil), frame(testVersion, 2, nil)...))
	mustRead(t, c, 1)
	mustRead(t, c, 2)
}

func TestOnWrittenIsCalledWhereThereIsNoResponse(t *testing.T) {
	var held atomic.Int64
	fail := errors.New("no")
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(context.Context, []byte) ([]byte, error) {
			held.Add(1)
			r.OnWritten = func() { held.Add(-1) }
			if r.CorrelationID == 2 {
				return nil, fail
			}
			return nil, nil
		}, nil
	}), nil)
	c := f.dial(t)
	mustWrite(t, c, append(frame(testVersion, 1, nil), frame(testVersion, 2, nil)...))
	mustClose(t, c)
	waitFor(t, func() bool { return held.Load() == 0 })
}
