package peer

import (
	"net"
	"syscall"
	"time"
)

const (
	// writeBuffer is what is gathered of small things.
	writeBuffer = 64 << 10
	// copiedMax is up to where copying costs less than one more piece of a write.
	copiedMax = 8 << 10
	// writeStretch is what one write deadline covers, so that a frame of any size may
	// take its time as long as some of it is taken.
	writeStretch = 1 << 20
)

// frameWriter gathers frames into few writes. What it is given must not change
// before flush returns. After an error the connection is of no use any more.
type frameWriter struct {
	conn   net.Conn
	raw    syscall.RawConn  // of conn; nil where it is no plain one, or the system has none that never blocks
	try    func(fd uintptr) // writes of buf what the system takes at once; made once
	tried  int              // bytes that it took
	buf    []byte           // small things, copied
	sealed int              // [0, sealed) of buf are in pieces
	pieces [][]byte         // in order: of buf, and large things
	bytes  int              // in pieces
	out    net.Buffers      // pieces, while they are written
}

func newFrameWriter(conn net.Conn) *frameWriter {
	w := &frameWriter{conn: conn, buf: make([]byte, 0, writeBuffer)}
	if w.raw = descriptor(conn); w.raw != nil {
		w.try = func(fd uintptr) { w.tried = writeAtOnce(fd, w.buf) }
	}
	return w
}

// frame adds one whole frame; body's parts are as many bytes as h says.
func (w *frameWriter) frame(h head, parts ...[]byte) error {
	if cap(w.buf)-len(w.buf) < headerBytesMax {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.buf = h.append(w.buf)
	for _, p := range parts {
		if err := w.add(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *frameWriter) add(p []byte) error {
	if len(p) <= copiedMax {
		if cap(w.buf)-len(w.buf) < len(p) {
			if err := w.flush(); err != nil {
				return err
			}
		}
		w.buf = append(w.buf, p...)
		return nil
	}
	w.seal()
	for len(p) > 0 {
		if w.bytes >= writeStretch {
			if err := w.flush(); err != nil {
				return err
			}
		}
		n := min(len(p), writeStretch-w.bytes)
		w.pieces, w.bytes = append(w.pieces, p[:n]), w.bytes+n
		p = p[n:]
	}
	return nil
}

// seal makes a piece of what has been copied since the last.
func (w *frameWriter) seal() {
	if n := len(w.buf) - w.sealed; n > 0 {
		w.pieces, w.bytes = append(w.pieces, w.buf[w.sealed:]), w.bytes+n
		w.sealed = len(w.buf)
	}
}

// flush writes all there is.
func (w *frameWriter) flush() error {
	w.seal()
	if w.bytes == 0 {
		return nil
	}
	err := w.conn.SetWriteDeadline(time.Now().Add(writeStallMax))
	if err == nil {
		w.out = w.pieces
		_, err = w.out.WriteTo(w.conn)
	}
	clear(w.pieces)
	w.buf, w.sealed, w.pieces, w.bytes = w.buf[:0], 0, w.pieces[:0], 0
	return err
}

// tryFlush writes what has been copied as far as the system takes it at once, and
// reports whether that was all. The rest is kept: whatever is written next comes behind
// it. An error is left to who writes the rest. Nothing large may have been added.
//
// The descriptor never blocks, and no deadline is asked for: an old one would count.
func (w *frameWriter) tryFlush() bool {
	if w.raw.Control(w.try) != nil {
		return false
	}
	w.buf = w.buf[:copy(w.buf, w.buf[max(w.tried, 0):])]
	return len(w.buf) == 0
}
