package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Goal: an idle link stays; one whose network has gone silent ends, at both sides, and
// whoever waits for an answer learns that there will be none.
func TestASilentLinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a, b := startMemHost(t, w, 1), startMemHost(t, w, 2)
		defer a.stop()
		defer b.stop()
		begun := make(chan struct{})
		b.got.onRequest(func(ctx context.Context, _ model.NodeID, _ Kind, _ []byte) ([]byte, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		asked := make(chan error, 1)
		go func() {
			_, err := a.Request(t.Context(), 2, 1, nil)
			asked <- err
		}()
		<-begun
		time.Sleep(time.Hour)
		if len(asked)+len(b.got.lost) > 0 {
			t.Fatal("an idle link ended")
		}
		w.cut()
		cut := time.Now()
		if err := <-asked; !errors.Is(err, ErrLost) {
			t.Error(err)
		}
		if node := <-b.got.lost; node != 1 {
			t.Error(node)
		}
		if took := time.Since(cut); took > silenceMax {
			t.Errorf("it took %v", took)
		}
	})
}

func TestASilentStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a, b := startMemHost(t, w, 1), startMemHost(t, w, 2)
		defer a.stop()
		defer b.stop()
		accepted := make(chan error, 1)
		b.got.onStream(func(_ context.Context, _ Hello, s *Stream) {
			_, err := s.Read(nil)
			accepted <- err
		})
		s, err := a.OpenStream(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		opened := make(chan error, 1)
		go func() {
			_, err := s.Read(nil)
			opened <- err
		}()
		time.Sleep(time.Hour)
		if len(accepted)+len(opened) > 0 {
			t.Fatal("an idle stream ended")
		}
		w.cut()
		cut := time.Now()
		for _, ended := range []chan error{accepted, opened} {
			// A pipe tells the one side that the other has closed it.
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		}
		if took := time.Since(cut); took > silenceMax {
			t.Errorf("it took %v", took)
		}
	})
}

// Goal: who connects and does not say who it is, or is not answered, does not wait
// for ever.
func TestAHandshakeHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a, b := startMemHost(t, w, 1), startMemHost(t, w, 2)
		defer a.stop()
		defer b.stop()
		for _, said := range []string{"", "chron", magic, magic + "\x00\x01\x00\x01\x00\x00\x00\x10half"} {
			conn, err := w.dial(t.Context(), "c")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(said)); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("%q was answered", said)
			}
			if took := time.Since(began); took != handshakeMax {
				t.Errorf("%q: it took %v", said, took)
			}
		}
		deaf := w.listen("h") // node 7: accepts, and says nothing
		defer w.close("h")
		go func() {
			conn, _ := deaf.Accept()
			defer conn.Close()
			for {
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		if _, err := a.OpenStream(t.Context(), 7); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(began); took != handshakeMax {
			t.Errorf("it took %v", took)
		}
	})
}

// Goal: a node that is away is dialed again and again, less and less often, while
// there is something to send; it is not dialed when there is nothing; and when it
// dials itself, it is dialed at once.
func TestRedialing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a := startMemHost(t, w, 1)
		defer a.stop()
		dropped := make(chan struct{}, 1000)
		for range 100 {
			a.send(2, 1, nil, func() { dropped <- struct{}{} })
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * redialMax)
		if n := len(dropped); n != 100 || a.Links()[0].Dropped != 100 {
			t.Errorf("%d messages were dropped: %+v", n, a.Links())
		}
		dials := w.dialed()
		for i := 10; i < len(dials); i++ {
			if gap := dials[i].Sub(dials[i-1]); gap < redialMax || gap > 2*redialMax {
				t.Errorf("dial %d came %v after the one before", i, gap)
			}
		}
		if n := len(dials); n < 15 || n > 30 {
			t.Errorf("%d dials in 10 s", n)
		}
		time.Sleep(time.Hour)
		if n := len(w.dialed()) - len(dials); n > 0 {
			t.Errorf("%d dials for nothing", n)
		}
		a.Send(2, 1, nil) // its dial fails, and the next waits
		synctest.Wait()
		a.Send(2, 1, []byte("at once"))
		b := startMemHost(t, w, 2)
		defer b.stop()
		began := time.Now()
		b.Send(1, 1, nil)
		if m := <-b.got.messages; m.body != "at once" || time.Since(began) > 0 {
			t.Errorf("%q came after %v", m.body, time.Since(began))
		}
	})
}

// Goal: who does not read does not hold a writer for ever. Method: a handler that does
// not return, on a network without buffers.
func TestAStuckReaderEndsTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a, b := startMemHost(t, w, 1), startMemHost(t, w, 2)
		defer a.stop()
		defer b.stop()
		b.got.messages = make(chan received) // blocks the handler
		dropped := make(chan struct{}, 10)
		a.Send(2, 1, []byte("the handler hangs on this"))
		synctest.Wait()
		a.send(2, 1, make([]byte, 10<<20), func() { dropped <- struct{}{} })
		began := time.Now()
		<-dropped
		if took := time.Since(began); took > writeStallMax {
			t.Errorf("it took %v", took)
		}
		<-b.got.messages
	})
}

// Goal: who cannot accept for want of descriptors goes on when there are some again.
func TestAcceptingGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a, b := startMemHost(t, w, 1), startMemHost(t, w, 2)
		defer a.stop()
		defer b.stop()
		w.listeners["c"].failures.Store(20)
		a.Send(2, 1, nil) // its connection was accepted before that
		<-b.got.messages
		b.Send(1, 1, []byte("the other way"))
		if m := <-a.got.messages; m.body != "the other way" {
			t.Error(m)
		}
		s, err := a.OpenStream(t.Context(), 2)
		for err != nil {
			s, err = a.OpenStream(t.Context(), 2)
		}
		s.Close()
		if n := w.listeners["c"].failures.Load(); n > 0 {
			t.Errorf("%d failures are to come", n)
		}
	})
}

// Goal: those who say nothing are no more than a few, and keep nobody out for long.
func TestHandshakesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &memNet{listeners: map[string]*memListener{}}
		a := startMemHost(t, w, 1)
		defer a.stop()
		a.got.onStream(echoStream)
		connect := func() net.Conn {
			conn, err := w.dial(t.Context(), "b")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return conn
		}
		for range handshakesMax {
			connect()
		}
		began := time.Now()
		if _, err := connect().Read(make([]byte, 1)); err == nil || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		time.Sleep(2 * handshakeMax)
		if _, err := a.OpenStream(t.Context(), 1); err != nil {
			t.Error(err)
		}
		a.stop()
	})
}

func TestAClosedListenerEndsRun(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := New(Options{Node: 1, Listener: listener})
	done := make(chan error)
	go func() { done <- n.Run(t.Context()) }()
	listener.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
