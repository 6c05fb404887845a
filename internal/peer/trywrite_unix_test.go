//go:build unix

package peer

import (
	"bytes"
	"context"
	"testing"
)

// Goal: a frame that the system takes only in part arrives whole, and before those that
// are written after it. Method: the other side reads nothing until a frame is refused,
// which is one after the socket's buffers are full.
func TestTryWriteKeepsTheOrder(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	read := make(chan struct{})
	count := make(chan int, 1)
	b.got.onStream(func(_ context.Context, _ Hello, s *Stream) {
		<-read
		var buf []byte
		for n := 0; ; n++ {
			frame, err := s.Read(buf)
			if err != nil {
				t.Errorf("frame %d: %v", n, err)
			}
			if len(frame) == 1 {
				count <- n
				return
			}
			if err != nil || !bytes.Equal(frame, bytes.Repeat([]byte{byte(n)}, copiedMax)) {
				t.Errorf("frame %d is %d bytes, %d the first", n, len(frame), frame[0])
			}
			buf = frame
		}
	})
	s, err := a.OpenStream(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	written := 0
	for s.TryWrite(bytes.Repeat([]byte{byte(written)}, copiedMax)) {
		written++
	}
	close(read)
	if err := s.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if got := <-count; got != written || written == 0 {
		t.Errorf("%d frames arrived, of %d", got, written)
	}
}

// Goal: what the system does not take at once goes out without another write.
func TestTryWriteIsFinished(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	written, read := make(chan int), make(chan error, 1)
	b.got.onStream(func(_ context.Context, _ Hello, s *Stream) {
		for n := <-written; n > 0; n-- {
			if _, err := s.Read(nil); err != nil {
				read <- err
				return
			}
		}
		read <- nil
	})
	s, err := a.OpenStream(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for s.TryWrite(make([]byte, copiedMax)) {
		n++
	}
	written <- n
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// Large frames are for Write, and so is everything where the connection is secured.
func TestTryWriteRefuses(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	b.got.onStream(echoStream)
	s, err := a.OpenStream(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.TryWrite(make([]byte, copiedMax+1)) {
		t.Error("a large frame was taken")
	}
	s.writing.raw = nil // as where it is TLS
	if s.TryWrite([]byte{1}) {
		t.Error("a frame was taken without a descriptor")
	}
}
