package storage

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// cleanPass is one pass of the cleaner.
type cleanPass struct {
	log        *Log
	now        model.Timestamp
	config     Config
	segments   []*segment   // that may be cleaned
	end        model.Offset // where they end
	start      model.Offset // of the log
	dirty      model.Offset // what is below has been cleaned before
	generation uint64       // of the log when the pass began
	aborted    []abortedTxn // all that begin below end; their markers may lie behind it
	newest     *offsetMap
	lastOf     map[model.ProducerID]lastBatch
	txns       *cleanTxns
	buf        []byte
	builder    *record.Builder
	done       Cleaned
}

var errCleanStopped = errors.New("the log was truncated, closed or deleted meanwhile")

func (p *cleanPass) run() error {
	if err := p.noteKeys(); err != nil {
		return err
	}
	p.restartTxns(p.segments[0].base)
	segments := p.segments
	for len(segments) > 0 && segments[0].base < p.newest.end {
		n := p.group(segments)
		if err := p.cleanGroup(segments[:n]); err != nil {
			return err
		}
		segments = segments[n:]
	}
	l := p.log
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	l.mu.Lock()
	l.cleanedTo = min(p.newest.end, l.end)
	settle := l.settleLocked() // which writes cleanedTo too
	l.mu.Unlock()
	if settle {
		l.disk.settle.add(l)
	}
	p.done.DirtyStart = p.newest.end
	return nil
}

// restartTxns begins to follow transactions at an offset.
func (p *cleanPass) restartTxns(from model.Offset) {
	var list []abortedTxn
	for _, a := range p.aborted {
		if a.last >= from {
			list = append(list, a)
		}
	}
	p.txns = newCleanTxns(list)
}

// noteKeys reads the dirty part and notes each key's newest offset.
func (p *cleanPass) noteKeys() error {
	first := segmentFor(p.segments, p.dirty)
	p.restartTxns(p.segments[first].base)
	p.newest.end = p.dirty
	for _, s := range p.segments[first:] {
		full := false
		err := p.batches(s, func(b record.Batch) (bool, error) {
			if b.NextOffset() <= p.dirty {
				return true, nil
			}
			full = p.newest.end > p.dirty && p.newest.full(int(b.Count()))
			if full {
				return false, nil
			}
			p.newest.end = b.NextOffset()
			return true, p.noteBatch(b)
		})
		if err != nil || full {
			return err
		}
	}
	p.newest.end = p.end // trailing offsets may have been cleaned away
	return nil
}

func (p *cleanPass) noteBatch(b record.Batch) error {
	if b.Attributes().Control() {
		p.txns.marker(b)
		return nil
	}
	if p.txns.data(b) { // what was aborted supersedes nothing
		return nil
	}
	return eachRecord(b, p.config.limits(), func(r record.Record) error {
		if r.Key != nil && r.Offset >= p.start {
			p.newest.put(r.Key, r.Offset)
		}
		return nil
	})
}

func eachRecord(b record.Batch, limits record.Limits, do func(record.Record) error) error {
	records, err := b.Records(limits)
	if err != nil {
		return err
	}
	defer records.Close()
	for {
		r, more, err := records.Next()
		if err != nil || !more {
			return err
		}
		if err := do(r); err != nil {
			return err
		}
	}
}

// group is how many of the segments fit into one.
func (p *cleanPass) group(segments []*segment) int {
	var size int64
	entries := 0
	for n, s := range segments {
		size += s.size.Load()
		entries += max(s.offsets.count(), s.times.count()) + 1
		end := p.end
		if n+1 < len(segments) {
			end = segments[n+1].base
		}
		if n > 0 && (size > p.config.SegmentBytes || entries > p.config.IndexBytes/timeEntrySize-1 ||
			end-segments[0].base > relativeMax || s.base >= p.newest.end) {
			return n
		}
	}
	return len(segments)
}

// cleanWindow is how much of a segment is read at a time.
const cleanWindow = 1 << 20

// batches calls do for each batch of a segment until it says no. The CRC of
// each has been checked: cleaning must not make a damaged batch look whole.
func (p *cleanPass) batches(s *segment, do func(record.Batch) (more bool, err error)) error {
	h, err := p.log.disk.handles.open(s.logPath())
	if err != nil {
		if isNotExist(err) {
			return errCleanStopped
		}
		return err
	}
	defer h.release()
	size := s.size.Load()
	if p.buf == nil {
		p.buf = make([]byte, cleanWindow)
	}
	for at := int64(0); at < size; {
		n := min(int64(len(p.buf)), size-at)
		chunk := p.buf[:n]
		if m, err := (segmentReader{s, h}).ReadAt(chunk, at); int64(m) < n {
			return fmt.Errorf("read %s at byte %d: %w", s.logPath(), at, err)
		}
		rest := chunk
		for len(rest) > 0 {
			b, after, err := record.Split(rest)
			if errors.Is(err, record.ErrTruncated) {
				break
			}
			if err == nil {
				err = b.CheckCRC()
			}
			if err != nil {
				return &CorruptError{Path: s.logPath(), Position: at + n - int64(len(rest)), Offset: model.NoOffset, Reason: err.Error()}
			}
			if more, err := do(b); err != nil || !more {
				return err
			}
			rest = after
		}
		taken := n - int64(len(rest))
		if at += taken; taken > 0 {
			continue
		}
		if err := p.enlarge(s, chunk, at, size); err != nil {
			return err
		}
	}
	return nil
}

// enlarge makes room for a batch that is larger than the window.
func (p *cleanPass) enlarge(s *segment, chunk []byte, at, size int64) error {
	need, err := record.SizeOf(chunk)
	if err == nil && need > size-at {
		err = fmt.Errorf("batch of %d bytes, %d are left", need, size-at)
	}
	if err != nil {
		return &CorruptError{Path: s.logPath(), Position: at, Offset: model.NoOffset, Reason: err.Error()}
	}
	p.buf = make([]byte, need)
	return nil
}
