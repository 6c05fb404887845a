package storage

import (
	"errors"
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// load replays the log from the newest producer snapshot at or below the
// recovery point, and checks what is above the point.
func (r *recovery) load() error {
	l := r.log
	if err := r.loadProducers(); err != nil {
		return err
	}
	l.epochs, _ = r.epochs.truncateEnd(r.begin)
	l.end = l.segments[0].base
	for i := r.firstSegment(); i < len(l.segments); i++ {
		s := l.segments[i]
		if i > 0 && s.base > l.end && s.base > max(r.checkedPoint(), l.start) {
			// The segment before ends too early: what is here was written later.
			// (Below the start, Retain may have removed any of the segments.)
			return r.finish(i)
		}
		if err := r.snapshotAt(s.base, i); err != nil {
			return err
		}
		torn, err := r.segment(i)
		if err != nil {
			return err
		}
		if torn {
			return r.finish(i + 1)
		}
	}
	return r.finish(len(l.segments))
}

// firstSegment is the one that r.begin lies in, or the one before where that
// ends there and is not believed.
func (r *recovery) firstSegment() int {
	i := segmentFor(r.log.segments, r.begin)
	if i > 0 && !r.believed(i-1) {
		i--
	}
	return i
}

// loadProducers starts from a snapshot. One at or below the log's start will do
// even above the recovery point, for what is below the start was durable, and
// may not be there to be read. The leader epochs, where they have to be found in
// the records, want all of those.
func (r *recovery) loadProducers() (err error) {
	l := r.log
	first := l.segments[0].base
	r.begin = max(first, r.checkedPoint())
	if r.fromStart {
		r.begin = first
	}
	l.write.producers, r.from, err = l.loadSnapshot(first, max(r.begin, l.start))
	if err != nil {
		return r.failed("load producer snapshots", err)
	}
	r.begin = min(r.begin, r.from)
	return nil
}

// snapshotAt writes the producer snapshot of a segment's base again where the
// crash has lost it. Truncation and retention count on it.
func (r *recovery) snapshotAt(base model.Offset, i int) error {
	l := r.log
	if i == 0 || base < r.from || slices.Contains(l.write.snapshots, base) {
		return nil
	}
	l.write.snapshots = append(l.write.snapshots, base)
	slices.Sort(l.write.snapshots)
	if err := l.writeSnapshotUnsynced(base, encodeSnapshot(l.write.producers)); err != nil {
		return r.failed("write producer snapshot", err)
	}
	return nil
}

// segment replays and checks one segment. torn: its tail was cut off.
func (r *recovery) segment(i int) (torn bool, err error) {
	l := r.log
	s := l.segments[i]
	if err := s.open(l.fs); err != nil {
		return false, r.failed("open segment", err)
	}
	size, err := s.file.Size()
	if err != nil {
		return false, err
	}
	position, next, err := r.beginning(s, size)
	if err != nil {
		return false, err
	}
	believed := r.believed(i)
	if !believed {
		r.found.SegmentsChecked++
		if s.firstTimestamp, err = firstTimestamp(s, size); err != nil {
			return false, err
		}
	}
	scan := fileScan{r: s.file, size: size, next: next, epoch: r.epoch, position: position, buf: r.buf, gaps: r.gapRules(i, position)}
	stopped, err := r.scan(s, &scan, believed)
	if err != nil {
		return false, err
	}
	r.epoch, l.end = scan.epoch, max(scan.next, s.base)
	s.size.Store(scan.position)
	if stopped != nil {
		torn, err = r.cutTail(s, &scan, stopped)
	}
	if err == nil {
		err = r.leave(i, believed)
	}
	return torn, err
}

// gapRules: batches stay below the next segment, and a log that is not compacted ends
// without a gap. In its midst there may be some: once it was.
func (r *recovery) gapRules(i int, position int64) gapRules {
	segments := r.log.segments
	g := gapRules{checked: true, adjacent: position == 0, synced: r.checkedPoint(), end: segments[i].base + relativeMax + 1, atEnd: r.log.config().Compact}
	if i+1 < len(segments) {
		g.end, g.atEnd = segments[i+1].base, true
	}
	return g
}

// scan reads batches until the end or the first that is none.
func (r *recovery) scan(s *segment, scan *fileScan, believed bool) (stopped, err error) {
	for {
		at := scan.position
		scan.crc = scan.next >= r.checkedPoint()
		b, err := scan.batch()
		switch {
		case errors.Is(err, errBad):
			return err, nil
		case err != nil:
			return nil, fmt.Errorf("check %s: %w", s.logPath(), err)
		case b == nil:
			return nil, nil
		}
		if scan.crc {
			r.checked(scan.position - at)
		}
		if err := r.take(s, b, at, believed); err != nil {
			return nil, err
		}
	}
}

// take brings indexes, epochs and producers up to a batch. The snapshot has the
// producers of what is below r.from already.
func (r *recovery) take(s *segment, b record.Batch, at int64, believed bool) error {
	l := r.log
	if !believed {
		if err := s.add(l.fs, b, at, l.config().IndexIntervalBytes); err != nil {
			return r.failed("write index of "+s.logPath(), err)
		}
	}
	if b.BaseOffset() < r.begin {
		return nil
	}
	if next, changed := l.epochs.assign(b.LeaderEpoch(), b.BaseOffset()); changed {
		l.epochs = next
	}
	if b.BaseOffset() < r.from {
		return nil
	}
	aborted, ok := replay(l.write.producers, b)
	if !ok || believed {
		return nil
	}
	if err := s.aborted.add(l.fs, aborted); err != nil {
		return r.failed("write transaction index", err)
	}
	return nil
}

// beginning is where to start reading in a segment: at the last index entry
// below r.begin. A segment that is not believed has its indexes cut off there,
// and they are written anew from there on.
func (r *recovery) beginning(s *segment, size int64) (position int64, next model.Offset, err error) {
	l := r.log
	if s.indexesSynced {
		if r.begin > s.base {
			position, err = s.offsets.positionFor(&l.disk.handles, r.begin-1)
		}
		return position, s.base, err
	}
	last, err := r.soundEntry(s, size)
	if err != nil {
		return 0, 0, err
	}
	if err := s.offsets.truncate(l.fs, last.entries); err != nil {
		return 0, 0, r.failed("cut index of "+s.logPath(), err)
	}
	if err := s.times.truncateTo(l.fs, &l.disk.handles, last.offset+1); err != nil {
		return 0, 0, r.failed("cut time index of "+s.logPath(), err)
	}
	if err := s.aborted.truncateTo(l.fs, &l.disk.handles, r.begin); err != nil {
		return 0, 0, r.failed("cut transaction index of "+s.logPath(), err)
	}
	s.newest = s.times.last
	return last.position, s.base, nil
}

// soundEntry is the last entry of the offset index that names an offset below
// r.begin, if all before it ascend as they must.
type soundEntry struct {
	entries  int // up to and with it
	position int64
	offset   model.Offset // of the last record of the batch at position
}

func (r *recovery) soundEntry(s *segment, size int64) (soundEntry, error) {
	last := soundEntry{offset: s.base - 1, position: 0}
	n := s.offsets.count()
	if n == 0 || r.begin <= s.base {
		return last, nil
	}
	data, err := readFile(r.log.fs, s.offsets.path)
	if err != nil {
		return last, err
	}
	for i := range min(n, len(data)/offsetEntrySize) {
		relative, position := decodeOffsetEntry(data[i*offsetEntrySize:])
		offset := s.base + model.Offset(relative)
		if offset <= last.offset || position <= last.position || position >= size || offset >= r.begin {
			break
		}
		last = soundEntry{entries: i + 1, position: position, offset: offset}
	}
	return last, nil
}

// firstTimestamp reads the first batch's, for segment.ms.
func firstTimestamp(s *segment, size int64) (model.Timestamp, error) {
	header := make(record.Batch, record.HeaderSize)
	if size < record.HeaderSize {
		return model.NoTimestamp, nil
	}
	if n, err := (segmentReader{s, s.file}).ReadAt(header, 0); n < len(header) {
		return model.NoTimestamp, fmt.Errorf("read %s: %w", s.logPath(), err)
	}
	if _, err := record.SizeOf(header); err != nil {
		return model.NoTimestamp, nil //nolint:nilerr // torn or zeros; the scan deals with it
	}
	return header.MaxTimestamp(), nil
}
