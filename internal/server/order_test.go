package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepliesKeepTheOrderOfRequests(t *testing.T) {
	// The first reply waits until the last request was started: the others are
	// ready before it, and must still come after it.
	const n = 20
	last := make(chan struct{})
	f := start(t, handlerFunc(func(ctx context.Context, r *Request) (Reply, error) {
		if r.CorrelationID == n-1 {
			close(last)
		}
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			if r.CorrelationID == 0 {
				<-last
			}
			return respond(dst, r, r.Body), nil
		}, nil
	}), nil)
	c := f.dial(t)
	var all []byte
	for i := range int32(n) {
		all = append(all, frame(testVersion, i, binary.BigEndian.AppendUint32(nil, uint32(i)))...)
	}
	mustWrite(t, c, all)
	for i := range int32(n) {
		if body := mustRead(t, c, i); binary.BigEndian.Uint32(body) != uint32(i) {
			t.Fatalf("response %d has the body of %d", i, binary.BigEndian.Uint32(body))
		}
	}
}

func TestStartRunsInOrderWhileRepliesWait(t *testing.T) {
	started := make(chan int32, 10)
	release := make(chan struct{})
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		started <- r.CorrelationID
		return func(_ context.Context, dst []byte) ([]byte, error) {
			<-release
			return respond(dst, r, nil), nil
		}, nil
	}), nil)
	c := f.dial(t)
	for i := range int32(5) {
		mustWrite(t, c, frame(testVersion, i, nil))
	}
	for i := range int32(5) {
		if got := <-started; got != i {
			t.Fatalf("request %d started, want %d", got, i)
		}
	}
	close(release)
	for i := range int32(5) {
		mustRead(t, c, i)
	}
}

func TestRequestWithoutResponseIsSkipped(t *testing.T) {
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(_ context.Context, dst []byte) ([]byte, error) {
			if len(r.Body) == 0 {
				return nil, nil
			}
			return respond(dst, r, r.Body), nil
		}, nil
	}), nil)
	c := f.dial(t)
	mustWrite(t, c, frame(testVersion, 1, nil))
	mustWrite(t, c, frame(testVersion, 2, []byte("x")))
	mustRead(t, c, 2)
}

func TestHeldBackResponseIsWrittenBeforeAReplyWaits(t *testing.T) {
	// Both requests are queued before the first is answered. The second waits,
	// with a context derived from its own, until the client has the first.
	both := make(chan struct{})
	first := make(chan struct{})
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		if r.CorrelationID == 2 {
			close(both)
		}
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			if r.CorrelationID == 1 {
				<-both
				return respond(dst, r, nil), nil
			}
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			select {
			case <-first:
			case <-ctx.Done():
			}
			return respond(dst, r, nil), nil
		}, nil
	}), nil)
	c := f.dial(t)
	mustWrite(t, c, append(frame(testVersion, 1, nil), frame(testVersion, 2, nil)...))
	mustRead(t, c, 1)
	close(first)
	mustRead(t, c, 2)
}

func TestReadyResponsesAreWrittenTogether(t *testing.T) {
	// Over a pipe one write is one read, where the reader's buffer is large
	// enough.
	synctest.Test(t, func(t *testing.T) {
		all := make(chan struct{})
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(_ context.Context, dst []byte) ([]byte, error) {
				<-all
				return respond(dst, r, nil), nil
			}, nil
		}), nil)
		c := f.dial(t)
		for i := range int32(10) {
			mustWrite(t, c, frame(testVersion, i, nil))
		}
		synctest.Wait() // the last one is in the queue, too
		close(all)
		b := make([]byte, 1<<10)
		n, err := c.Read(b)
		if err != nil || n != 10*8 {
			t.Fatalf("the first write has %d bytes (%v), want 10 responses of 8", n, err)
		}
	})
}

func TestLargeResponsesThroughGrow(t *testing.T) {
	for _, grow := range []bool{false, true} {
		f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(_ context.Context, dst []byte) ([]byte, error) {
				n := int(binary.BigEndian.Uint32(r.Body))
				if grow {
					dst = r.Grow(dst, 4+n)
				}
				return respond(dst, r, bytes.Repeat([]byte{byte(r.CorrelationID)}, n)), nil
			}, nil
		}), nil)
		c := f.dial(t)
		sizes := []int{0, 1, 1000, 1020, 1024, 70_000, 1 << 20, 20 << 20, 5}
		go func() {
			for i, n := range sizes {
				if _, err := c.Write(frame(testVersion, int32(i), binary.BigEndian.AppendUint32(nil, uint32(n)))); err != nil {
					t.Errorf("write: %v", err)
				}
			}
		}()
		for i, n := range sizes {
			body := mustRead(t, c, int32(i))
			if !bytes.Equal(body, bytes.Repeat([]byte{byte(i)}, n)) {
				t.Fatalf("response %d of %d bytes differs (grow: %v)", i, n, grow)
			}
		}
	}
}

func TestFramesOfEverySizeArriveWhole(t *testing.T) {
	f := start(t, handlerFunc(echo), nil)
	c := f.dial(t)
	for i, n := range []int{0, 1, 1000, 4070, 4080, 4096, 5000, 8192, 65_536, 1<<20 - 16, 1 << 20, 3 << 20, 17 << 20, 40 << 20} {
		body := make([]byte, n)
		for j := range body {
			body[j] = byte(j * 7 / 3)
		}
		go func() {
			if _, err := c.Write(frame(testVersion, int32(i), body)); err != nil {
				t.Errorf("write: %v", err)
			}
		}()
		if got := mustRead(t, c, int32(i)); !bytes.Equal(got, body) {
			t.Fatalf("a body of %d bytes came back different", n)
		}
	}
}

func TestContextEndsSomeTimeAfterThePeerHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(ctx context.Context, dst []byte) ([]byte, error) {
				<-ctx.Done()
				ended <- context.Cause(ctx)
				return nil, ctx.Err()
			}, nil
		}), nil)
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		synctest.Wait() // the server reads: a pipe that is closed before takes no deadline
		took(t, halfClosedMax, halfClosedMax, func() {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, io.EOF) {
				t.Errorf("the context ended with %v, want the end of file", err)
			}
		})
		f.wantClosed(t, ClosedByPeer, 1)
	})
}

// A client that closes its sending side reads the answers to all it has sent,
// also where they come later, and to no part of a request.
func TestAHalfClosedConnectionIsAnswered(t *testing.T) {
	release := make(chan struct{})
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return respond(dst, r, r.Body), ctx.Err()
		}, nil
	}), nil)
	c := f.dial(t)
	for i := range int32(3) {
		mustWrite(t, c, frame(testVersion, i, nil))
	}
	mustWrite(t, c, frame(testVersion, 3, nil)[:9])
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return f.Stats().Requests == 3 })
	close(release)
	for i := range int32(3) {
		mustRead(t, c, i)
	}
	if rest := mustClose(t, c); len(rest) > 0 {
		t.Errorf("%d bytes more", len(rest))
	}
	f.wantClosed(t, ClosedByPeer, 1)
}

func TestEveryReplyIsCalledOnceAlsoAfterTheConnectionEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var replied, live atomic.Int32
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(ctx context.Context, dst []byte) ([]byte, error) {
				replied.Add(1)
				if r.CorrelationID == 0 {
					<-ctx.Done()
				}
				if ctx.Err() == nil {
					live.Add(1)
				}
				return respond(dst, r, nil), nil
			}, nil
		}), nil)
		c := f.dial(t)
		for i := range int32(10) {
			mustWrite(t, c, frame(testVersion, i, nil))
		}
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(halfClosedMax)
		f.wantClosed(t, ClosedByPeer, 1)
		if replied.Load() != 10 || live.Load() != 0 {
			t.Errorf("%d replies called, %d of them with a live context; want 10 and 0", replied.Load(), live.Load())
		}
	})
}

func TestHandlerErrorClosesAfterEarlierResponses(t *testing.T) {
	boom := errors.New("cannot decode")
	for name, where := range map[string]string{"start": "start", "reply": "reply"} {
		t.Run(name, func(t *testing.T) {
			f := start(t, handlerFunc(func(ctx context.Context, r *Request) (Reply, error) {
				bad := string(r.Body) == "bad"
				if bad && where == "start" {
					return nil, boom
				}
				return func(_ context.Context, dst []byte) ([]byte, error) {
					if bad {
						return nil, boom
					}
					return respond(dst, r, nil), nil
				}, nil
			}), nil)
			c := f.dial(t)
			mustWrite(t, c, append(frame(testVersion, 1, nil), frame(testVersion, 2, []byte("bad"))...))
			mustRead(t, c, 1)
			if rest := mustClose(t, c); len(rest) != 0 {
				t.Errorf("%d bytes after the last response", len(rest))
			}
			f.wantClosed(t, ClosedByHandler, 1)
			f.wantLog(t, "closed by handler", "cannot decode")
		})
	}
}

func TestWrongCorrelationIDIsNotSent(t *testing.T) {
	for name, reply := range map[string]Reply{
		"wrong": func(_ context.Context, dst []byte) ([]byte, error) { return append(dst, 0, 0, 0, 99), nil },
		"short": func(_ context.Context, dst []byte) ([]byte, error) { return append(dst, 1, 2), nil },
		"none":  func(_ context.Context, dst []byte) ([]byte, error) { return dst, nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, handlerFunc(func(context.Context, *Request) (Reply, error) { return reply, nil }), nil)
			c := f.dial(t)
			mustWrite(t, c, frame(testVersion, 1, nil))
			if got := mustClose(t, c); len(got) != 0 {
				t.Errorf("the client got % x", got)
			}
			f.wantClosed(t, ClosedByHandler, 1)
		})
	}
}

func TestPanicCostsOneConnection(t *testing.T) {
	for _, where := range []string{"start", "reply"} {
		t.Run(where, func(t *testing.T) {
			f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
				if string(r.Body) == "start" {
					panic("off by one")
				}
				return func(_ context.Context, dst []byte) ([]byte, error) {
					if string(r.Body) == "reply" {
						panic("off by one")
					}
					return respond(dst, r, nil), nil
				}, nil
			}), nil)
			victim, other := f.dial(t), f.dial(t)
			mustWrite(t, other, frame(testVersion, 1, nil))
			mustRead(t, other, 1)
			mustWrite(t, victim, append(frame(testVersion, 1, nil), frame(testVersion, 2, []byte(where))...))
			mustRead(t, victim, 1)
			mustClose(t, victim)
			mustWrite(t, other, frame(testVersion, 3, nil))
			mustRead(t, other, 3)
			f.wantLog(t, "level=ERROR", "off by one", "key=3", "version=1", "client_id=tester", "remote=127.0.0.1:", "order_test.go")
			f.wantClosed(t, ClosedPanic, 1)
		})
	}
}
