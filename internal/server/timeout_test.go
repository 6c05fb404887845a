package server

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// took runs a step and checks how much of the bubble's time it took.
func took(t testing.TB, atLeast, atMost time.Duration, step func()) {
	t.Helper()
	began := time.Now()
	step()
	if d := time.Since(began); d < atLeast || d > atMost {
		t.Errorf("took %v, want %v to %v", d, atLeast, atMost)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), nil)
		silent, used := f.dial(t), f.dial(t)
		time.Sleep(5 * time.Minute)
		mustWrite(t, used, frame(testVersion, 1, nil))
		mustRead(t, used, 1)
		took(t, 5*time.Minute, 5*time.Minute, func() { mustClose(t, silent) })
		took(t, 5*time.Minute, 5*time.Minute, func() { mustClose(t, used) })
		f.wantClosed(t, ClosedIdle, 2)
	})
}

func TestConnectionWithAnUnansweredRequestIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(ctx context.Context, dst []byte) ([]byte, error) {
				select {
				case <-time.After(time.Hour):
				case <-ctx.Done():
				}
				return respond(dst, r, nil), nil
			}, nil
		}), nil)
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		took(t, time.Hour, time.Hour, func() { mustRead(t, c, 1) })
		// From the answer on it has its whole time again.
		took(t, 10*time.Minute, 10*time.Minute, func() { mustClose(t, c) })
		f.wantClosed(t, ClosedIdle, 1)
	})
}

func TestNegativeIdleLimitMeansNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), func(o *Options) { o.Limits.IdleMax = -1 })
		c := f.dial(t)
		time.Sleep(1000 * time.Hour)
		mustWrite(t, c, frame(testVersion, 1, nil))
		mustRead(t, c, 1)
		f.wantClosed(t, ClosedIdle, 0)
	})
}

func TestStalledFrameIsClosed(t *testing.T) {
	whole := frame(testVersion, 1, make([]byte, 100<<10))
	for name, sent := range map[string]int{"within the length": 2, "after the length": 4, "within the header": 9, "half-way": 50 << 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t, handlerFunc(echo), nil)
				c := f.dial(t)
				mustWrite(t, c, whole[:sent])
				took(t, 30*time.Second, 30*time.Second, func() { mustClose(t, c) })
				f.wantClosed(t, ClosedSlowFrame, 1)
				f.wantLog(t, "level=INFO", "request too slow")
			})
		})
	}
}

func TestTricklingFrameIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), nil)
		c := f.dial(t)
		// Four seconds for the length, and its bytes earn next to nothing.
		took(t, 34*time.Second, 35*time.Second, func() {
			for _, b := range frame(testVersion, 1, make([]byte, 1000)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		f.wantClosed(t, ClosedSlowFrame, 1)
	})
}

func TestSlowButSteadyFrameIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), nil)
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil)) // identified
		mustRead(t, c, 1)
		b := frame(testVersion, 2, make([]byte, 2<<20))
		const rate = 9 << 10
		took(t, 3*time.Minute, 5*time.Minute, func() {
			for len(b) > 0 {
				n := min(rate, len(b))
				mustWrite(t, c, b[:n])
				b = b[n:]
				time.Sleep(time.Second)
			}
		})
		mustRead(t, c, 2)
	})
}

func TestClientThatDoesNotReadIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), nil)
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		time.Sleep(30*time.Second + time.Millisecond)
		synctest.Wait()
		if n, err := c.Read(make([]byte, 10)); err != io.EOF {
			t.Errorf("read %d bytes, %v; want the end of file", n, err)
		}
		f.wantClosed(t, ClosedSlowReader, 1)
	})
}

func TestSlowReaderThatGoesOnReadingIsServed(t *testing.T) {
	// Half an hour for 30 MiB, of which each chunk is taken in time.
	synctest.Test(t, func(t *testing.T) {
		const size = 30 << 20
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(_ context.Context, dst []byte) ([]byte, error) {
				return respond(dst, r, make([]byte, size)), nil
			}, nil
		}), nil)
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		took(t, 20*time.Minute, 45*time.Minute, func() {
			b := make([]byte, 16<<10)
			for got := 0; got < size+8; {
				n, err := c.Read(b)
				if err != nil {
					t.Fatalf("after %d bytes: %v", got, err)
				}
				got += n
				time.Sleep(time.Second)
			}
		})
		f.wantClosed(t, ClosedSlowReader, 0)
	})
}

func TestFrameThatWaitsTooLongForMemoryIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(_ context.Context, dst []byte) ([]byte, error) {
				<-release
				return respond(dst, r, nil), nil
			}, nil
		}), func(o *Options) { o.Limits.RequestMemoryBytesMax = 1 << 20 })
		fill := f.dial(t)
		mustWrite(t, fill, frame(testVersion, 1, make([]byte, 1<<20))) // has the overdraft
		late := f.dial(t)
		mustWrite(t, late, claimOnly(100_000, testVersion)[:4])
		took(t, 30*time.Second, 30*time.Second, func() { mustClose(t, late) })
		synctest.Wait() // the line is written after the connection is closed
		f.wantLog(t, "level=INFO", "no request memory", "queued.max.request.bytes")
		close(release)
		mustRead(t, fill, 1)
		f.wantClosed(t, ClosedMemoryWait, 1)
	})
}

func TestWaitingForMemoryIsNotTheClientsSlowness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(_ context.Context, dst []byte) ([]byte, error) {
				if r.CorrelationID == 1 {
					time.Sleep(50 * time.Second)
				}
				return respond(dst, r, nil), nil
			}, nil
		}), func(o *Options) {
			o.Limits.RequestMemoryBytesMax = 1 << 20
			o.Limits.RequestMemoryWaitMax = time.Minute
		})
		fill, late := f.dial(t), f.dial(t)
		mustWrite(t, fill, frame(testVersion, 1, make([]byte, 1<<20)))
		b := frame(testVersion, 2, make([]byte, 100_000))
		mustWrite(t, late, b[:4])
		first := make(chan error, 1)
		go func() {
			_, err := readResponse(fill)
			first <- err
		}()
		took(t, 50*time.Second, 50*time.Second, func() { mustWrite(t, late, b[4:]) })
		mustRead(t, late, 2)
		if err := <-first; err != nil {
			t.Errorf("read the first response: %v", err)
		}
	})
}
