package record

import (
	"errors"
	"io"
)

// emptyReadsMax bounds reads in a row that give neither bytes nor an error.
const emptyReadsMax = 100

// cursor reads forward through the records of a batch: over bytes that are all
// there (in is nil; nothing is copied or allocated), or over a decompressor's
// stream through a window.
//
// Invariant: 0 ≤ pos ≤ end ≤ len(buf); base+pos bytes have been consumed.
type cursor struct {
	buf      []byte
	pos, end int
	base     int64     // bytes consumed before buf[0]
	in       io.Reader // nil: buf[:end] is all there is
	left     int64     // bytes that in may still deliver before ErrTooLarge
	err      error     // why in ended, io.EOF included
}

func sliceCursor(b []byte) cursor { return cursor{buf: b, end: len(b)} }

func (c *cursor) consumed() int64 { return c.base + int64(c.pos) }

// more reads once from the stream behind the window, which has room.
func (c *cursor) more() bool {
	if c.in == nil || c.err != nil {
		return false
	}
	room := c.buf[c.end:]
	for range emptyReadsMax {
		n, err := c.in.Read(room)
		if c.left -= int64(n); c.left < 0 {
			c.err = ErrTooLarge
			return false
		}
		c.end += n
		if err != nil {
			c.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	c.err = io.ErrNoProgress
	return false
}

// ensure makes the next n bytes lie in buf[pos:end], if there are that many. The
// window grows only once it is full of bytes that arrived.
func (c *cursor) ensure(n int) bool {
	for c.end-c.pos < n {
		if c.in == nil {
			return false
		}
		if c.pos > 0 {
			copy(c.buf, c.buf[c.pos:c.end])
			c.base += int64(c.pos)
			c.end -= c.pos
			c.pos = 0
		}
		if c.end == len(c.buf) {
			grown := make([]byte, 2*len(c.buf))
			copy(grown, c.buf)
			c.buf = grown
		}
		if !c.more() {
			return false
		}
	}
	return true
}

// skip passes over n bytes without keeping them.
func (c *cursor) skip(n int64) bool {
	for {
		have := int64(c.end - c.pos)
		if n <= have {
			c.pos += int(n)
			return true
		}
		if c.in == nil {
			return false
		}
		n -= have
		c.base += int64(c.end)
		c.pos, c.end = 0, 0
		if !c.more() {
			return false
		}
	}
}

// problem is what is wrong with a record; "" is nothing.
type problem string

const (
	problemTruncated problem = "the records end within it"
	problemVarint    problem = "a varint does not fit its type"
	problemRemaining problem = "bytes remain after the last record"
)

func (c *cursor) varint32() (int32, problem) {
	if c.pos < c.end && c.buf[c.pos] < 0x80 { // most lengths and deltas are a byte
		u := int32(c.buf[c.pos])
		c.pos++
		return u>>1 ^ -(u & 1), ""
	}
	c.ensure(varint32BytesMax) // fewer may do
	v, n := varint32(c.buf[c.pos:c.end])
	if n <= 0 {
		return 0, varintProblem(n)
	}
	c.pos += n
	return v, ""
}

func (c *cursor) varint64() (int64, problem) {
	c.ensure(varint64BytesMax)
	v, n := varint64(c.buf[c.pos:c.end])
	if n <= 0 {
		return 0, varintProblem(n)
	}
	c.pos += n
	return v, ""
}

func varintProblem(n int) problem {
	if n < 0 {
		return problemVarint
	}
	return problemTruncated
}

// atEnd tells whether nothing follows. It reads the stream to its end, where a
// codec's own checksum is compared.
func (c *cursor) atEnd() bool { return !c.ensure(1) }

// failure is why the stream ended if not at its end: ErrTooLarge or what the
// decompressor said.
func (c *cursor) failure() error {
	if c.err == nil || errors.Is(c.err, io.EOF) {
		return nil
	}
	return c.err
}
