package storage

import (
	"hash/fnv"
	"path/filepath"
	"time"

	"github.com/chronik/chronik/internal/model"
)

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }

// segmentWithRoom is the segment to write a run of batches to: the last one, or
// a new one where segment.bytes, segment.ms, the index or the 31 bits of a
// relative offset are used up.
func (l *Log) segmentWithRoom(r run, now model.Timestamp) (*segment, error) {
	s, c := l.active(), l.config()
	used := s.size.Load()
	if used == 0 && r.last-s.base <= relativeMax {
		return s, nil
	}
	if used+int64(len(r.batches)) > c.SegmentBytes || r.last-s.base > relativeMax ||
		s.indexFull(c.IndexBytes) || l.aged(s, r.newest, now, c) {
		if err := l.roll(r.base); err != nil {
			return nil, err
		}
	}
	return l.active(), nil
}

// aged: segment.ms has passed since the first batch, by the batches' clock
// where they have one.
func (l *Log) aged(s *segment, newest, now model.Timestamp, c *Config) bool {
	if c.SegmentAge <= 0 || c.SegmentAge == never {
		return false
	}
	age := c.SegmentAge - l.jitter(s.base, c)
	if c.Compact && c.MaxCompactionLag > 0 {
		age = min(age, c.MaxCompactionLag) // or the cleaner could not keep it
	}
	if s.firstTimestamp >= 0 && newest >= 0 {
		return newest.Time().Sub(s.firstTimestamp.Time()) > age
	}
	return now.Time().Sub(s.created) > age
}

// jitter is a segment's share of segment.jitter.ms, so that partitions made
// together do not all roll together. It is always the same for a segment.
func (l *Log) jitter(base model.Offset, c *Config) time.Duration {
	if c.SegmentJitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(segmentPath(l.dir, base)))
	return time.Duration(h.Sum64()>>1) % min(c.SegmentJitter, c.SegmentAge)
}

// roll seals the last segment and begins another at base. Nothing is synced
// here: the sealed file and the new name stand in line for the group commit,
// which counts nothing durable before both are.
//
// Crash points: (1) after the indexes are written, before the new file: the
// segment is the last one still. (2) After the new file: it is empty, or holds
// records that were not acknowledged. (3) Indexes or snapshot torn: they are
// above the recovery point, and rebuilt or dropped by their CRC.
func (l *Log) roll(base model.Offset) error {
	old := l.active()
	if old.base == base { // empty, and so it is the new one already
		return nil
	}
	if err := old.seal(l.fs); err != nil {
		return l.disk.fail("write index of "+old.logPath(), err)
	}
	if err := l.trim(old); err != nil {
		return l.disk.fail("trim "+old.logPath(), err)
	}
	if err := l.writeSnapshot(base, false); err != nil {
		return l.disk.fail("write producer snapshot", err)
	}
	next, err := l.createSegment(base)
	if err != nil {
		return l.disk.fail("create segment", err)
	}
	l.mu.Lock()
	l.segments = append(l.segments[:len(l.segments):len(l.segments)], next)
	l.sealedDirty = append(l.sealedDirty, old.file)
	l.dirDirty = true
	old.file = nil // its use now belongs to sealedDirty
	l.mu.Unlock()
	l.write.ahead.filledTo = 0
	return nil
}

// createSegment makes the files of an empty segment.
func (l *Log) createSegment(base model.Offset) (*segment, error) {
	s := newSegment(l.dir, base)
	for _, name := range s.names()[1:] { // a former segment of this base may have left some
		if err := removeIfExists(l.fs, name); err != nil {
			return nil, err
		}
		l.disk.handles.forget(name)
	}
	f, err := l.fs.Create(s.logPath())
	if err != nil {
		return nil, err
	}
	l.disk.handles.forget(s.logPath())
	f.NoReadAhead()
	s.file = newHandle(f)
	if c := l.config(); c.Preallocate {
		if err := f.Preallocate(0, c.SegmentBytes); err != nil {
			s.file.release()
			return nil, err
		}
	}
	return s, nil
}

// trim gives back what the file has beyond its batches.
func (l *Log) trim(s *segment) error {
	size, err := s.file.Size()
	if err != nil {
		return err
	}
	if size == s.size.Load() && !l.config().Preallocate {
		return nil
	}
	return s.file.Truncate(s.size.Load())
}
