package record

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

// Header is a record's header.
type Header struct {
	Key   string
	Value []byte // nil: null
}

// Record is one record of a batch. Key, Value and the headers' values share the
// reader's memory: they hold until the next call of Next or Close, or as long as
// the batch where it is not compressed.
type Record struct {
	OffsetDelta int32
	Offset      model.Offset
	Timestamp   model.Timestamp
	Key, Value  []byte // nil: null
	Headers     []Header
	Size        int // of the record with its length, uncompressed
}

// Reader reads the records of a batch one after the other.
type Reader struct {
	cursor  cursor
	flate   *inflater // nil: not compressed, or released
	batch   Batch
	limit   int64
	next    int32 // index of the next record
	last    int32 // offset delta of the last one; they grow
	headers []Header
	err     error
}

// Records begins to read a batch, of which it checks that it is whole, not its
// CRC. Offsets may have gaps, as compaction leaves them. Where a codec is in use
// the reader holds buffers until Next says that there is no more, or Close.
func (b Batch) Records(l Limits) (*Reader, error) {
	if err := b.checkFrame(); err != nil {
		return nil, err
	}
	codec := b.Attributes().Codec()
	if !codec.known() {
		return nil, fmt.Errorf("codec %d: %w", int8(codec), ErrUnsupportedCodec)
	}
	r := &Reader{batch: b, limit: l.decompressedBytesMax(), last: -1}
	if codec == CodecNone || b.Count() <= 0 { // an empty batch, left by compaction, has no stream
		r.cursor = sliceCursor(b.Payload())
		return r, nil
	}
	f, err := openInflater(codec, b.Payload(), r.limit)
	if err != nil {
		return nil, err
	}
	r.flate, r.cursor = f, f.cursor()
	return r, nil
}

// Close gives the codec's buffers back. It may be called more than once.
func (r *Reader) Close() {
	if r.flate != nil {
		r.flate.release(&r.cursor)
		r.flate = nil
		r.cursor = cursor{}
	}
	if r.err == nil {
		r.err = errors.New("record reader is closed")
	}
}

// Next reads a record; false: there is no more. Errors are ErrCorrupt and
// ErrTooLarge, and stay.
func (r *Reader) Next() (Record, bool, error) {
	if r.err != nil {
		return Record{}, false, r.err
	}
	if r.next >= r.batch.Count() {
		return Record{}, false, r.finish()
	}
	rec, p := r.read()
	if p != "" {
		return Record{}, false, r.fail(p)
	}
	r.next++
	r.last = rec.OffsetDelta
	return rec, true, nil
}

// finish checks that the records end where they are said to. It may be called
// again, and says the same.
func (r *Reader) finish() error {
	if !r.cursor.atEnd() {
		return r.fail(problemRemaining)
	}
	if r.cursor.failure() != nil {
		return r.fail("")
	}
	if r.flate != nil {
		r.flate.release(&r.cursor)
		r.flate = nil
		r.cursor = cursor{}
	}
	return nil
}

func (r *Reader) fail(p problem) error {
	switch err := r.cursor.failure(); {
	case err == nil:
		r.err = fmt.Errorf("record %d: %s: %w", r.next, p, ErrCorrupt)
	case errors.Is(err, ErrTooLarge):
		r.err = fmt.Errorf("%d bytes: %w", r.limit, ErrTooLarge)
	default:
		r.err = fmt.Errorf("%s: %w: %w", r.batch.Attributes().Codec(), err, ErrCorrupt)
	}
	err := r.err
	r.Close()
	return err
}

// read takes the next record whole into the window.
func (r *Reader) read() (Record, problem) {
	start := r.cursor.consumed()
	length, p := r.cursor.varint32()
	if p != "" {
		return Record{}, p
	}
	if length < 0 {
		return Record{}, "its length is negative"
	}
	if !r.cursor.ensure(int(length)) {
		return Record{}, problemTruncated
	}
	pos := r.cursor.pos
	body := fields{b: r.cursor.buf[pos : pos+int(length) : pos+int(length)]}
	r.cursor.pos += int(length)
	rec := r.parse(&body)
	if body.p == "" && len(body.b) > 0 {
		body.p = "its length is not that of its fields"
	}
	if body.p != "" {
		return Record{}, body.p
	}
	if rec.OffsetDelta <= r.last || rec.OffsetDelta > r.batch.LastOffsetDelta() {
		return Record{}, "its offset delta is out of order"
	}
	rec.Size = int(r.cursor.consumed() - start)
	rec.Offset = r.batch.BaseOffset() + model.Offset(rec.OffsetDelta)
	if r.batch.Attributes().LogAppendTime() {
		rec.Timestamp = r.batch.MaxTimestamp()
	}
	return rec, ""
}

func (r *Reader) parse(f *fields) Record {
	f.byte() // attributes: unused
	rec := Record{
		Timestamp:   r.batch.BaseTimestamp() + model.Timestamp(f.varint64()),
		OffsetDelta: f.varint32(),
		Key:         f.bytes(-1),
		Value:       f.bytes(-1),
	}
	n := f.varint32()
	if n < 0 && f.p == "" {
		f.p = "its number of headers is negative"
	}
	r.headers = r.headers[:0]
	for range n {
		key := f.bytes(0)
		value := f.bytes(-1)
		if f.p != "" {
			return Record{}
		}
		r.headers = append(r.headers, Header{Key: string(key), Value: value})
	}
	rec.Headers = r.headers
	return rec
}

// fields takes a record's fields off the front of b. After the first problem it
// gives zeros.
type fields struct {
	b []byte
	p problem
}

func (f *fields) fail(p problem) {
	if f.p == "" {
		f.p = p
	}
	f.b = nil
}

func (f *fields) byte() {
	if len(f.b) == 0 {
		f.fail("it is empty")
		return
	}
	f.b = f.b[1:]
}

func (f *fields) varint32() int32 {
	v, n := varint32(f.b)
	if n <= 0 {
		f.fail(varintProblem(n))
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) varint64() int64 {
	v, n := varint64(f.b)
	if n <= 0 {
		f.fail(varintProblem(n))
		return 0
	}
	f.b = f.b[n:]
	return v
}

// bytes takes a length, at least lengthMin, and as many bytes; nil where it is
// -1. Lengths below that are no length.
func (f *fields) bytes(lengthMin int32) []byte {
	length := f.varint32()
	switch {
	case f.p != "":
		return nil
	case length < lengthMin:
		f.fail("the length of a field is negative")
		return nil
	case length < 0:
		return nil
	case int(length) > len(f.b):
		f.fail("a field ends behind its record")
		return nil
	}
	v := f.b[:length:length]
	f.b = f.b[length:]
	return v
}
