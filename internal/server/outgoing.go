package server

import (
	"net"
	"os"
	"syscall"
)

// insert is bytes of a response that stand elsewhere than the rest of it: in memory, or in
// a file.
type insert struct {
	at    int // they come before the byte at this index of the rest
	n     int // how many they are
	bytes []byte
	file  *os.File // nil: bytes
	off   int64    // in the file
}

// outgoing is whole responses on their way to a socket, and how far they have come.
// Records stay in the memory that they were read into: copied behind a header they would
// cost as much again as the reading.
//
// Invariant: inserts are in the order of their places, none before written, and
// inserted is the sum of their bytes; insertWritten is less than the first one's bytes,
// and 0 while written is before its place.
type outgoing struct {
	buf           []byte // nil when there is none
	inserts       []insert
	inserted      int
	written       int         // of buf
	insertWritten int         // of the first of inserts
	pieces        [][]byte    // of the last call of next
	sending       net.Buffers // the same, used up as they are sent
	fileNext      bool        // bytes of a file come after pieces
}

// left is how many bytes are to be written.
func (o *outgoing) left() int {
	return len(o.buf) - o.written + o.inserted - o.insertWritten
}

// send writes the next bytes, up to a limit, with one system call where that can be. The
// socket is that of to; nil where nothing inserted is a file's.
func (o *outgoing) send(to net.Conn, socket syscall.RawConn, limit int) (n int64, err error) {
	o.gather(limit)
	switch {
	case len(o.pieces) == 0 && o.fileNext:
		i := &o.inserts[0]
		n, err = sendFile(socket, i.file, i.off+int64(o.insertWritten), min(i.n-o.insertWritten, limit))
	case o.fileNext:
		n, err = sendMore(socket, o.pieces)
	case len(o.pieces) == 1:
		var once int
		once, err = to.Write(o.pieces[0])
		n = int64(once)
	default:
		o.sending = o.pieces
		n, err = o.sending.WriteTo(to)
	}
	o.advance(int(n))
	return n, err
}

// gather makes pieces of the next bytes, up to a limit or a file.
func (o *outgoing) gather(limit int) {
	o.pieces, o.fileNext = o.pieces[:0], false
	at, skip := o.written, o.insertWritten
	add := func(bytes []byte) {
		if bytes = bytes[:min(len(bytes), limit)]; len(bytes) > 0 {
			o.pieces = append(o.pieces, bytes)
			limit -= len(bytes)
		}
	}
	for _, i := range o.inserts {
		add(o.buf[at:i.at])
		if i.file != nil {
			o.fileNext = limit > 0
			return
		}
		add(i.bytes[skip:])
		at, skip = i.at, 0
	}
	add(o.buf[at:])
}

// advance notes that n bytes more have been written.
func (o *outgoing) advance(n int) {
	for len(o.inserts) > 0 {
		first := o.inserts[0]
		step := min(n, first.at-o.written)
		o.written, n = o.written+step, n-step
		if o.written < first.at {
			return
		}
		step = min(n, first.n-o.insertWritten)
		o.insertWritten, n = o.insertWritten+step, n-step
		if o.insertWritten < first.n {
			return
		}
		o.inserted, o.insertWritten = o.inserted-first.n, 0
		o.inserts[0] = insert{}
		o.inserts = o.inserts[1:]
	}
	o.written += n
}

// insertAll adds what a response at the end of buf has inserted.
func (o *outgoing) insertAll(inserts []insert) {
	for _, i := range inserts {
		o.inserts = append(o.inserts, i)
		o.inserted += i.n
	}
}

// reset forgets everything, and returns the buffer.
func (o *outgoing) reset() []byte {
	buf := o.buf
	*o = outgoing{}
	return buf
}
