package storage

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// view is a log as a reader took it at one moment.
type view struct {
	segments   []*segment
	activeFile *handle // to be released; nil: not taken
	activeSize int64
	start, end model.Offset
	generation uint64
	closed     bool
}

// view takes what a read needs. No lock is held afterwards: the bytes below
// activeSize do not change unless generation does, and a file stays open while
// its handle is held.
func (l *Log) view() view {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.viewLocked()
}

func (l *Log) viewLocked() view {
	v := view{segments: l.segments, start: l.start, end: l.end, generation: l.generation, closed: l.closed}
	if !l.closed {
		s := l.active()
		v.activeFile, v.activeSize = s.file.acquire(), s.size.Load()
	}
	return v
}

func (v *view) release() {
	if v.activeFile != nil {
		v.activeFile.release()
	}
}

// open returns the file of segment i and how much of it is batches.
func (v *view) open(c *handleCache, i int) (*handle, int64, error) {
	if i == len(v.segments)-1 {
		return v.activeFile.acquire(), v.activeSize, nil
	}
	h, err := c.open(v.segments[i].logPath())
	return h, v.segments[i].size.Load(), err
}

// stable runs a read until no truncation or removal has come in between.
func stable[T any](l *Log, read func(*view) (T, error)) (T, error) {
	for {
		v := l.view()
		if v.closed {
			var none T
			return none, fmt.Errorf("read %s: %w", l.tp, ErrClosed)
		}
		result, err := read(&v)
		v.release()
		l.mu.RLock()
		same := l.generation == v.generation
		l.mu.RUnlock()
		if same {
			return result, err
		}
	}
}

// Read copies whole batches from [From, To) into r.Buffer, or into what r.Grow
// gives where that is too small. It returns as many as fit into MaxBytes, across
// segments, and at least one if MinOneBatch is set and there is one. Nothing at
// From yet is no error: the result is empty.
func (l *Log) Read(r Read) (ReadResult, error) {
	if err := l.disk.Err(); err != nil {
		return ReadResult{}, fmt.Errorf("read %s: %w", l.tp, err)
	}
	l.read.Store(time.Now().UnixNano())
	return stable(l, func(v *view) (ReadResult, error) { return l.readBatches(v, r) })
}

func (l *Log) readBatches(v *view, r Read) (ReadResult, error) {
	if r.From < v.start || r.From > v.end {
		return ReadResult{}, fmt.Errorf("read %s at %d, log is [%d, %d): %w", l.tp, r.From, v.start, v.end, ErrOffsetOutOfRange)
	}
	r.To = min(r.To, v.end)
	out := reading{log: l, view: v, want: r, result: ReadResult{NextOffset: r.From}, buf: r.Buffer[:0]}
	for i := segmentFor(v.segments, r.From); i < len(v.segments) && out.result.NextOffset < r.To; i++ {
		if more, err := out.segment(i); err != nil || !more {
			return out.result, err
		}
	}
	return out.result, nil
}

// GiveWay waits a moment if producers wait for the log's disk. Whoever sends what was Cold
// calls it between pieces of 256 KiB, or producers would wait for the sending.
func (l *Log) GiveWay() { l.disk.cold.giveWay() }

// reading is a Read under way.
type reading struct {
	log    *Log
	view   *view
	want   Read
	buf    []byte // what has been read; whole batches
	result ReadResult
}

// segment reads what one segment has to give; more tells whether the next one
// is to be asked as well.
func (r *reading) segment(i int) (more bool, err error) {
	s := r.view.segments[i]
	if s.base >= r.want.To {
		return false, nil
	}
	h, size, err := r.view.open(&r.log.disk.handles, i)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", r.log.tp, err)
	}
	defer h.release()
	position, err := r.log.locate(r.view.generation, s, h, size, r.result.NextOffset)
	if err != nil {
		return false, err
	}
	if position >= size {
		return true, nil
	}
	room := int64(r.want.MaxBytes - len(r.buf))
	if len(r.buf) == 0 && r.want.MinOneBatch {
		room = max(room, record.HeaderSize)
	}
	taken, whole, err := r.take(s, h, position, min(room, size-position), size)
	if err != nil {
		return false, err
	}
	position += taken
	if taken > 0 {
		r.log.cursors.put(cursor{r.view.generation, r.result.NextOffset, s.base, position})
	}
	return whole && position == size, nil
}

// take reads up to n bytes at position and keeps the whole batches below To.
// whole is false where a batch was left out.
func (r *reading) take(s *segment, h *handle, position, n, size int64) (taken int64, whole bool, err error) {
	if n < record.HeaderSize {
		return 0, false, nil
	}
	chunk, err := r.fill(s, h, position, int(n))
	if err != nil {
		return 0, false, fmt.Errorf("read %s at byte %d: %w", s.logPath(), position, err)
	}
	if len(r.buf) == 0 && r.want.MinOneBatch {
		if chunk, err = r.atLeastOne(s, h, position, size, chunk); err != nil {
			return 0, false, err
		}
	}
	rest := chunk
	for len(rest) > 0 {
		b, after, err := record.Split(rest)
		if errors.Is(err, record.ErrTruncated) {
			break
		}
		if err == nil && (b.NextOffset() <= r.result.NextOffset || b.NextOffset() > r.view.end) {
			err = fmt.Errorf("offsets %d to %d where %d was to come, and the log ends at %d", b.BaseOffset(), b.LastOffset(), r.result.NextOffset, r.view.end)
		}
		if err != nil {
			return 0, false, &CorruptError{Path: s.logPath(), Position: position + int64(len(chunk)-len(rest)),
				Offset: r.result.NextOffset, Reason: err.Error()}
		}
		if b.NextOffset() > r.want.To {
			break
		}
		r.result.NextOffset, rest = b.NextOffset(), after
	}
	taken = int64(len(chunk) - len(rest))
	r.buf = r.buf[:len(r.buf)+int(taken)]
	r.result.Batches = r.buf
	return taken, len(rest) == 0, nil
}

// fill reads n bytes behind what buf has, and does not count them yet.
func (r *reading) fill(s *segment, h *handle, position int64, n int) ([]byte, error) {
	have := len(r.buf)
	if cap(r.buf)-have < n {
		r.buf = r.want.grow(r.buf, n)
	}
	chunk := r.buf[have : have+n]
	m, cold, err := r.log.disk.cold.readAt(s, h, chunk, position, r.want.Passes)
	r.result.Cold = r.result.Cold || cold
	if m < n {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return chunk, nil
}

// atLeastOne reads the first batch whole where it is larger than the chunk.
func (r *reading) atLeastOne(s *segment, h *handle, position, size int64, chunk []byte) ([]byte, error) {
	need, err := record.SizeOf(chunk)
	if err == nil && need > size-position {
		err = fmt.Errorf("batch of %d bytes, %d are left: %w", need, size-position, record.ErrCorrupt)
	}
	if err != nil {
		return nil, &CorruptError{Path: s.logPath(), Position: position, Offset: r.result.NextOffset, Reason: err.Error()}
	}
	if need <= int64(len(chunk)) {
		return chunk, nil
	}
	return r.fill(s, h, position, int(need))
}

// scanWindow is how much is read at a time when looking for a batch. Index
// entries are 4 KiB apart by default.
const scanWindow = 4 << 10

var scanBuffers = sync.Pool{New: func() any { return new([scanWindow]byte) }}

// locate is the position of the first batch in the segment that holds or
// follows offset, or size.
func (l *Log) locate(generation uint64, s *segment, h *handle, size int64, offset model.Offset) (int64, error) {
	if offset <= s.base {
		return 0, nil
	}
	if position, ok := l.cursors.get(generation, offset, s.base); ok {
		return position, nil
	}
	position, err := s.offsets.positionFor(&l.disk.handles, offset)
	if err != nil {
		return 0, fmt.Errorf("search index of %s: %w", s.logPath(), err)
	}
	buf := scanBuffers.Get().(*[scanWindow]byte)
	defer scanBuffers.Put(buf)
	headers := s.headers(h, size, buf[:])
	for position < size {
		b, n, err := headers.at(position)
		if err != nil {
			return 0, err
		}
		if b.LastOffset() >= offset {
			break
		}
		position += n
	}
	return position, nil
}

// segmentReader reads a segment's file, and notes what comes from the disk.
type segmentReader struct {
	s *segment
	h *handle
}

func (r segmentReader) ReadAt(p []byte, off int64) (int, error) {
	if n := r.h.ReadCached(p, off); n == len(p) {
		return n, nil
	}
	r.s.noteFromDisk(off + int64(len(p)))
	return r.h.ReadAt(p, off)
}

// headers reads the headers of the batches below end; buf is for the reading.
func (s *segment) headers(h *handle, end int64, buf []byte) headerScan {
	return headerScan{r: segmentReader{s, h}, path: s.logPath(), end: end, buf: buf}
}

// headerScan reads batch headers from a file whose content is known to be
// whole batches up to end.
type headerScan struct {
	r    io.ReaderAt
	path string
	end  int64
	buf  []byte
	from int64 // buf[:have] is the file at from
	have int
}

// at is the header of the batch at position, and the batch's size. The header
// is valid until the next call.
func (s *headerScan) at(position int64) (record.Batch, int64, error) {
	if position < s.from || position+record.HeaderSize > s.from+int64(s.have) {
		n := min(int64(len(s.buf)), s.end-position)
		if n < record.HeaderSize {
			return nil, 0, s.corrupt(position, fmt.Sprintf("%d bytes are less than a header", n))
		}
		m, err := s.r.ReadAt(s.buf[:n], position)
		if int64(m) < n {
			return nil, 0, fmt.Errorf("read %s at byte %d: %w", s.path, position, err)
		}
		s.from, s.have = position, m
	}
	header := record.Batch(s.buf[position-s.from:][:record.HeaderSize])
	size, err := record.SizeOf(header)
	if err != nil {
		return nil, 0, s.corrupt(position, err.Error())
	}
	if position+size > s.end {
		return nil, 0, s.corrupt(position, fmt.Sprintf("batch of %d bytes, %d are left", size, s.end-position))
	}
	return header, size, nil
}

func (s *headerScan) corrupt(position int64, reason string) error {
	return &CorruptError{Path: s.path, Position: position, Offset: model.NoOffset, Reason: reason}
}
