package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// pattern is n bytes that tell where they belong.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> (i % 11))
	}
	return b
}

// echoStream writes what it reads, until the stream ends.
func echoStream(_ context.Context, _ Hello, s *Stream) {
	var buf []byte
	for {
		frame, err := s.Read(buf)
		if err != nil {
			return
		}
		half := len(frame) / 2
		if err := s.Write(frame[:half], nil, frame[half:]); err != nil {
			return
		}
		buf = frame
	}
}

// Goal: frames of all sizes arrive whole, both ways at once, in the reader's buffer where
// they fit into it.
func TestStreamsCarryFrames(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	b.got.onStream(func(ctx context.Context, from Hello, s *Stream) {
		if from.Node != 1 || s.Peer().Node != 1 || from.Incarnation != a.hello.Incarnation {
			t.Errorf("%+v", from)
		}
		echoStream(ctx, from, s)
	})
	s, err := a.OpenStream(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Peer().Node != 2 || s.Peer().Incarnation != b.hello.Incarnation {
		t.Errorf("%+v", s.Peer())
	}
	data := pattern(20 << 20)
	sizes := []int{0, 1, 100, copiedMax, copiedMax + 1, writeBuffer, 3 * copiedMax, writeStretch, writeStretch + 1, len(data), 5}
	written := make(chan error, 1)
	go func() {
		for _, n := range sizes {
			if err := s.Write(data[:n/3], data[n/3:n]); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	buf := make([]byte, 0, 1<<20)
	for _, n := range sizes {
		frame, err := s.Read(buf)
		if err != nil || !bytes.Equal(frame, data[:n]) {
			t.Fatalf("%d bytes became %d: %v", n, len(frame), err)
		}
		if n > 0 && n <= cap(buf) && &frame[0] != &buf[:1][0] {
			t.Errorf("%d bytes are not in the reader's buffer", n)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if err := s.Write(make([]byte, StreamFrameBytesMax), []byte{1}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// Whoever closes a stream, or stops, ends it for the other side.
func TestStreamsEnd(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	ended := make(chan error)
	wait := func(ctx context.Context, _ Hello, s *Stream) {
		_, err := s.Read(nil)
		ended <- err
		<-ctx.Done()
	}
	open := func() *Stream {
		t.Helper()
		s, err := a.OpenStream(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	b.got.onStream(func(context.Context, Hello, *Stream) {}) // returns at once
	s := open()
	if _, err := s.Read(nil); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	s.Close()
	b.got.onStream(wait)
	s = open()
	s.Close()
	s.Close()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := s.Write(nil); err == nil {
		t.Error("a closed stream was written to")
	}
	s = open()
	go a.stop()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if _, err := s.Read(nil); err == nil {
		t.Error("a stream outlived its network")
	}
	b.stop()
}

// What is no data ends a stream, and so does a frame that is cut off.
func TestBrokenFramesEndAStream(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	for _, c := range []struct {
		frames []byte
		want   error
	}{
		{(&head{typ: frameMessage}).append(nil), errFrame},
		{(&head{typ: frameData, body: StreamFrameBytesMax + 1}).append(nil), errFrame},
		{(&head{typ: frameData, body: StreamFrameBytesMax}).append(nil), io.ErrUnexpectedEOF},
		{[]byte{0, 0}, io.ErrUnexpectedEOF},
	} {
		b.got.onStream(func(_ context.Context, _ Hello, s *Stream) { _, _ = s.conn.Write(c.frames) })
		s, err := a.OpenStream(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(nil); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.frames, err)
		}
		s.Close()
	}
}

// The context of a call ends its handshake.
func TestAStreamIsNotOpenedForNobody(t *testing.T) {
	where := new(addresses)
	judging, release := make(chan struct{}), make(chan struct{})
	a := startHost(t, hostOptions{node: 1, where: where})
	startHost(t, hostOptions{node: 2, where: where, judge: func(Hello) *Rejection {
		close(judging)
		<-release
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-judging; cancel() }()
	if _, err := a.OpenStream(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if _, err := a.OpenStream(t.Context(), 7); err == nil {
		t.Error("a stream to an unknown node was opened")
	}
}
