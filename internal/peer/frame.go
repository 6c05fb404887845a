package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Frames, after the handshake. The length is of what follows it:
//
//	u32 length | u8 frameHeartbeat
//	u32 length | u8 frameMessage  | u8 kind | body
//	u32 length | u8 frameRequest  | u8 kind | u64 id | body
//	u32 length | u8 frameCancel   | u8 0    | u64 id
//	u32 length | u8 frameAnswer   | u8 0    | u64 id | body
//	u32 length | u8 frameFailure  | u8 0    | u64 id | text
//	u32 length | u8 frameData     | body                    on streams
type frameType uint8

const (
	frameHeartbeat frameType = 1 + iota
	frameMessage
	frameRequest
	frameCancel
	frameAnswer
	frameFailure
	frameData
)

const (
	lengthBytes = 4
	// headerBytesMax is the longest of what comes before a body.
	headerBytesMax = lengthBytes + 1 + 1 + 8
	// readStep is how much is allocated before any of it has arrived.
	readStep   = 64 << 10
	readBuffer = 64 << 10
)

var errFrame = errors.New("malformed frame")

// head is what a frame says before its body.
type head struct {
	typ  frameType
	kind Kind
	id   uint64
	body int // bytes
}

// fixed is how many bytes a type of frame has after the length and before its body.
func (t frameType) fixed() int {
	switch t {
	case frameHeartbeat, frameData:
		return 1
	case frameMessage:
		return 2
	default:
		return 10
	}
}

func (h *head) append(b []byte) []byte {
	fixed := h.typ.fixed()
	b = binary.BigEndian.AppendUint32(b, uint32(fixed+h.body))
	b = append(b, byte(h.typ))
	if fixed > 1 {
		b = append(b, byte(h.kind))
	}
	if fixed > 2 {
		b = binary.BigEndian.AppendUint64(b, h.id)
	}
	return b
}

// frameReader reads frames off a connection, and gives up where nothing comes.
type frameReader struct {
	conn net.Conn
	buf  *bufio.Reader
	max  int // bytes of a body
}

func newFrameReader(conn net.Conn, bodyMax int) *frameReader {
	r := &frameReader{conn: conn, max: bodyMax}
	r.buf = bufio.NewReaderSize(silenced{conn}, readBuffer)
	return r
}

// silenced is a connection whose reads fail after silenceMax.
type silenced struct{ net.Conn }

func (s silenced) Read(p []byte) (int, error) {
	if err := s.SetReadDeadline(time.Now().Add(silenceMax)); err != nil {
		return 0, err
	}
	n, err := s.Conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("nothing heard for %v: %w", silenceMax, err)
	}
	return n, err
}

// head reads the next frame's. At the end of the connection it is io.EOF.
func (r *frameReader) head() (head, error) { return readHead(r.buf, r.max) }

// body reads what follows a head into buf, or into a larger one.
func (r *frameReader) body(h head, buf []byte) ([]byte, error) {
	return readBody(r.buf, buf[:0], h.body)
}

func readHead(r *bufio.Reader, bodyMax int) (head, error) {
	b, err := r.Peek(lengthBytes + 1)
	if err != nil {
		if len(b) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return head{}, err
	}
	length, h := binary.BigEndian.Uint32(b), head{typ: frameType(b[lengthBytes])}
	if h.typ < frameHeartbeat || h.typ > frameData {
		return head{}, fmt.Errorf("%w: type %d", errFrame, h.typ)
	}
	fixed := h.typ.fixed()
	bodiless := h.typ == frameHeartbeat || h.typ == frameCancel
	if int64(length) < int64(fixed) || int64(length) > int64(fixed)+int64(bodyMax) || bodiless && int64(length) != int64(fixed) {
		return head{}, fmt.Errorf("%w: %d bytes of type %d", errFrame, length, h.typ)
	}
	h.body = int(length) - fixed
	if b, err = r.Peek(lengthBytes + fixed); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return head{}, err
	}
	if fixed > 1 {
		h.kind = Kind(b[lengthBytes+1])
	}
	if fixed > 2 {
		h.id = binary.BigEndian.Uint64(b[lengthBytes+2:])
	}
	_, err = r.Discard(lengthBytes + fixed)
	return h, err
}

// readBody reads n bytes into buf, which is empty, where its capacity suffices, and
// otherwise into one that grows as they arrive.
func readBody(r io.Reader, buf []byte, n int) ([]byte, error) {
	if cap(buf) == 0 && n > 0 {
		buf = make([]byte, 0, min(n, readStep))
	}
	for len(buf) < n {
		if len(buf) == cap(buf) {
			next := make([]byte, len(buf), min(n, max(2*cap(buf), readStep)))
			copy(next, buf)
			buf = next
		}
		got := len(buf)
		buf = buf[:min(n, cap(buf))]
		if _, err := io.ReadFull(r, buf[got:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}
