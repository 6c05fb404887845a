package storage

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// segment is a stretch of the log: a .log file of record batches, one after
// the other, and the indexes to it. All but the last of a log are sealed: they
// change only by truncation and by being replaced.
type segment struct {
	base model.Offset // the file's name; no record in it is below
	path string       // of its files, without suffix

	// size is the bytes of whole batches; what the file holds beyond is zeros
	// that were written ahead. Readers stay below the size they took under
	// Log.mu together with the log's end.
	size atomic.Int64
	// fromDisk: what is below may have been read from the disk since it was written; what
	// is not is as this process wrote it. It only rises.
	fromDisk atomic.Int64
	offsets  offsetIndex
	times    timeIndex
	aborted  abortedIndex

	cuts int // how often it was made shorter; Log.mu guards it

	// The rest belongs to the writer (Log.write).

	created        time.Time
	firstTimestamp model.Timestamp // of the first batch; NoTimestamp: empty or not known yet
	newest         timeEntry       // the largest timestamp so far; unset (offset -1) where not known yet
	sinceIndex     int             // bytes since the last index entry
	file           *handle         // of the last segment only
	indexesSynced  bool            // sealed, and its index files are durable as they are
}

// pageBytes is no less than the system's page: what the disk is asked for at least, where
// the system was told not to read ahead.
const pageBytes = 64 << 10

// newSegment describes a segment whose files the caller makes or has found.
func newSegment(dir string, base model.Offset) *segment {
	path := segmentPath(dir, base)
	s := &segment{base: base, path: path, firstTimestamp: model.NoTimestamp, created: time.Now()}
	s.newest = timeEntry{model.NoTimestamp, base}
	s.offsets = offsetIndex{indexFile: indexFile{path: path + indexSuffix, entrySize: offsetEntrySize}, base: base}
	s.times = timeIndex{indexFile: indexFile{path: path + timeSuffix, entrySize: timeEntrySize}, base: base,
		last: timeEntry{model.NoTimestamp, base}}
	s.aborted = abortedIndex{path: path + txnSuffix}
	return s
}

// noteFromDisk notes that the file was read from the disk up to a position, and so to the
// end of the page.
func (s *segment) noteFromDisk(to int64) {
	for to = (to + pageBytes - 1) / pageBytes * pageBytes; ; {
		before := s.fromDisk.Load()
		if to <= before || s.fromDisk.CompareAndSwap(before, to) {
			return
		}
	}
}

func (s *segment) logPath() string { return s.path + logSuffix }

// open opens the .log for writing, and creates it where it does not exist.
func (s *segment) open(fs vfs.FS) error {
	f, err := fs.OpenReadWrite(s.logPath())
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	s.file = newHandle(f)
	return nil
}

// add notes a batch that stands at a position: index entries where the interval
// says so, and the largest timestamp. As Kafka's LogSegment.append: the entry
// of a batch names its last offset and where it begins.
func (s *segment) add(fs vfs.FS, b record.Batch, position int64, interval int) error {
	if s.firstTimestamp == model.NoTimestamp {
		s.firstTimestamp = b.MaxTimestamp()
	}
	if ts := b.MaxTimestamp(); ts > s.newest.timestamp {
		s.newest = timeEntry{ts, b.LastOffset()}
	}
	var full bool
	if s.sinceIndex > interval {
		full = s.offsets.add(b.LastOffset(), position)
		full = s.times.maybeAdd(s.newest) || full
		s.sinceIndex = 0
	}
	s.sinceIndex += batchSize(b)
	if full {
		return s.flushIndexes(fs)
	}
	return nil
}

// batchSize is the size of a batch of which only the header may be in memory.
func batchSize(header record.Batch) int {
	n, err := record.SizeOf(header)
	if err != nil {
		panic(fmt.Sprintf("storage: batch without a valid length was let through: %v", err))
	}
	return int(n)
}

func (s *segment) flushIndexes(fs vfs.FS) error {
	return errors.Join(s.offsets.flush(fs), s.times.flush(fs))
}

// seal ends the writing: the time index gets its final entry, and the index
// files get everything that was in memory.
func (s *segment) seal(fs vfs.FS) error {
	s.times.maybeAdd(s.newest)
	return s.flushIndexes(fs)
}

// syncIndexes makes the index files durable.
func (s *segment) syncIndexes(fs vfs.FS) error {
	return errors.Join(s.offsets.sync(fs), s.times.sync(fs), s.aborted.sync(fs))
}

// largest is the largest timestamp in the segment.
func (s *segment) largest(c *handleCache) (timeEntry, error) {
	if s.file != nil || s.newest.timestamp != model.NoTimestamp {
		return s.newest, nil
	}
	e, err := s.times.newest(c)
	if err == nil {
		s.newest = e
	}
	return e, err
}

// indexFull reports whether an index file has no room for another entry.
func (s *segment) indexFull(indexBytes int) bool {
	return s.offsets.count() >= indexBytes/offsetEntrySize || s.times.count() >= indexBytes/timeEntrySize-1
}

// names are all files that a segment may have, the .log first.
func (s *segment) names() []string {
	return []string{s.path + logSuffix, s.path + indexSuffix, s.path + timeSuffix, s.path + txnSuffix}
}
