package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopAnswersRequestsInFlight(t *testing.T) {
	started := make(chan struct{}, 3)
	release := make(chan struct{})
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		started <- struct{}{}
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			<-release
			return respond(dst, r, nil), ctx.Err()
		}, nil
	}), nil)
	busy, idle, half := f.dial(t), f.dial(t), f.dial(t)
	for i := range int32(3) {
		mustWrite(t, busy, frame(testVersion, i, nil))
	}
	for range 3 {
		<-started
	}
	mustWrite(t, half, claimOnly(1000, testVersion))
	waitFor(t, func() bool { return f.Stats().RequestMemoryBytes > 3*bufferBytesMin }) // half's has begun
	f.stop()
	mustClose(t, idle)
	mustClose(t, half)
	if _, err := net.Dial("tcp", f.Addr("PLAINTEXT").String()); err == nil {
		t.Error("still accepts connections")
	}
	// Not read any more, and in the way of a clean close.
	mustWrite(t, busy, frame(testVersion, 3, nil))
	select {
	case <-f.done:
		t.Fatal("Run returned with requests in flight")
	default:
	}
	close(release)
	for i := range int32(3) {
		mustRead(t, busy, i)
	}
	mustClose(t, busy)
	f.wantClosed(t, ClosedDrained, 3)
}

func TestStopEndsWhatIsNotAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := make(chan error, 1)
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(ctx context.Context, dst []byte) ([]byte, error) {
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return nil, ctx.Err()
			}, nil
		}), nil)
		c := f.dial(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		synctest.Wait()
		took(t, 3*time.Second, 3*time.Second, func() {
			f.stop()
			<-f.done
		})
		if err := <-cause; !errors.Is(err, errDrainMax) {
			t.Errorf("the context ended with %v, want %v", err, errDrainMax)
		}
		f.wantClosed(t, ClosedDrained, 1)
	})
}

func TestStopEndsAFrameThatWaitsForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			return func(ctx context.Context, dst []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}, nil
		}), func(o *Options) { o.Limits.RequestMemoryBytesMax = 1 << 20 })
		fill, late := f.dial(t), f.dial(t)
		mustWrite(t, fill, frame(testVersion, 1, make([]byte, 1<<20)))
		mustWrite(t, late, claimOnly(100_000, testVersion)[:4])
		synctest.Wait()
		if n := f.Stats().RequestMemoryWaiting; n != 1 {
			t.Fatalf("%d frames wait for memory, want 1", n)
		}
		took(t, 3*time.Second, 3*time.Second, func() {
			f.stop()
			<-f.done
		})
	})
}

func TestRunReportsAListenerClosedUnderIt(t *testing.T) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s, err := New(Options{
		Listeners: []Listen{{Name: "PIPE", Protocol: Plaintext, Listener: l}},
		Handler:   handlerFunc(echo), Limits: DefaultLimits(), Logger: discardLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := s.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run: %v, want %v", err, net.ErrClosed)
	}
}

func TestAReplyMayWantAReset(t *testing.T) {
	f := start(t, handlerFunc(func(context.Context, *Request) (Reply, error) {
		return func(context.Context, []byte) ([]byte, error) {
			return nil, fmt.Errorf("%w: ask another", ErrReset)
		}, nil
	}), nil)
	c := f.dial(t)
	mustWrite(t, c, frame(testVersion, 1, nil))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%d bytes, %v", n, err)
	}
	f.wantClosed(t, ClosedByHandler, 1)
}
