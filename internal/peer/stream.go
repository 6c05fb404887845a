package peer

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Stream is a connection of its own for bulk data, in frames, both ways. Read and
// Write may be called concurrently with each other and with Close; each by one
// goroutine at a time.
type Stream struct {
	n      *Network
	conn   net.Conn
	peer   Hello
	reader *frameReader
	closed chan struct{}
	once   sync.Once
	rest   chan struct{} // capacity 1: TryWrite has left something for keepAlive to write

	// writing orders the frames and the heartbeats.
	writing struct {
		sync.Mutex
		*frameWriter
		*beat
	}
}

// newStream takes the connection over, whose handshake is done.
func (n *Network) newStream(conn net.Conn, peer Hello) (*Stream, error) {
	s := &Stream{n: n, conn: conn, peer: peer, reader: newFrameReader(conn, StreamFrameBytesMax), closed: make(chan struct{}), rest: make(chan struct{}, 1)}
	s.writing.frameWriter, s.writing.beat = newFrameWriter(conn), newBeat()
	if !n.spawn(s.keepAlive) {
		n.drop(conn)
		return nil, ErrStopped
	}
	return s, nil
}

// serveStream is the life of an accepted stream.
func (n *Network) serveStream(ctx context.Context, conn net.Conn, from Hello) {
	if err := n.welcome(conn, &from); err != nil {
		n.logger.Debug("a connection to the cluster port was closed", "node", from.Node, "err", err)
		return
	}
	n.seen(from.Node)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := n.newStream(conn, from)
	if err != nil {
		return
	}
	defer s.Close()
	n.o.Handler.Stream(ctx, from, s)
}

// Peer is what the other side has said of itself.
func (s *Stream) Peer() Hello { return s.peer }

// Read returns the next frame, in buf where its capacity suffices; heartbeats are
// skipped. It has to be called all the time: the stream ends where nothing comes in
// silenceMax, and who does not read does not see that. At the end of the stream the
// error is io.EOF. After an error the stream is of no use any more.
func (s *Stream) Read(buf []byte) (frame []byte, err error) {
	for {
		h, err := s.reader.head()
		switch {
		case err != nil:
			return nil, err
		case h.typ == frameData:
			return s.reader.body(h, buf)
		case h.typ != frameHeartbeat:
			return nil, fmt.Errorf("%w: type %d on a stream", errFrame, h.typ)
		}
	}
}

// Write writes one frame of these parts, at once. After an error the stream is of no
// use any more.
func (s *Stream) Write(parts ...[]byte) error {
	h := head{typ: frameData}
	for _, p := range parts {
		h.body += len(p)
	}
	if h.body > StreamFrameBytesMax {
		return fmt.Errorf("%w: a frame of %d bytes", ErrTooLarge, h.body)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.writing.wrote()
	if err := s.writing.frame(h, parts...); err != nil {
		return err
	}
	return s.writing.flush()
}

// TryWrite writes one frame where that takes no waiting, and reports whether it has. It
// has not where the frame is not small, another is being written, or the connection is
// no plain one. It may be called concurrently with all else.
func (s *Stream) TryWrite(frame []byte) bool {
	if len(frame) > copiedMax || !s.writing.TryLock() {
		return false
	}
	defer s.writing.Unlock()
	if s.writing.raw == nil || len(s.writing.buf) > 0 {
		return false
	}
	s.writing.wrote()
	if s.writing.frame(head{typ: frameData, body: len(frame)}, frame) != nil {
		return false
	}
	if !s.writing.tryFlush() {
		poke(s.rest)
	}
	return true
}

// Close ends the stream.
func (s *Stream) Close() {
	s.once.Do(func() {
		close(s.closed)
		s.n.drop(s.conn)
	})
}

// keepAlive writes heartbeats, and what of a frame the system did not take at once,
// until the stream is closed, or fails.
func (s *Stream) keepAlive(ctx context.Context) {
	defer s.writing.stop()
	for {
		select {
		case <-s.rest:
			if s.flush() != nil {
				s.n.drop(s.conn) // the reader is told by that
				return
			}
		case <-s.writing.due():
			s.writing.again()
			if s.heartbeat() != nil {
				s.n.drop(s.conn) // the reader is told by that
				return
			}
		case <-s.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *Stream) flush() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.writing.flush()
}

func (s *Stream) heartbeat() error {
	if !s.writing.TryLock() {
		return nil // a frame is being written
	}
	defer s.writing.Unlock()
	if !s.writing.wanted() {
		return nil
	}
	if err := s.writing.frame(head{typ: frameHeartbeat}); err != nil {
		return err
	}
	return s.writing.flush()
}
