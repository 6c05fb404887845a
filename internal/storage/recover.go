package storage

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// recovery makes a log of the files that a crash has left.
//
// What is below the recovery point was synced with its indexes, leader epochs
// and a producer snapshot before the point was written (Log.checkpoint), so it
// is believed. From the last index entry below the point on, each batch is
// checked: frame, CRC, offsets that go on, epochs that do not go back. What
// follows the first that fails is torn: it was never synced, so never
// acknowledged, and is cut off, with the segments behind it. Indexes, epochs
// and producers are rebuilt from the batches that pass.
//
// A batch that fails below the recovery point was whole once. It is not cut
// off: Open fails with a CorruptError, and so it does where the log ends before
// the point.
//
// What remains is synced before anything is said to be durable, since after a
// kill (rather than a power loss) it may have been in the page cache only.
type recovery struct {
	log      *Log
	point    model.Offset // the recovery point as read
	trusted  bool         // closed in order
	progress func(RecoveryProgress)
	found    Recovered
	started  time.Time
	told     time.Time // when progress was told last

	epochs    epochCache // as read
	fromStart bool       // leader epochs have to be found in the records
	buf       []byte     // the window, shared by all scans

	begin model.Offset      // what is below is not read, but for the batch before
	from  model.Offset      // what is below is in the producer snapshot; ≥ begin
	epoch model.LeaderEpoch // of the last batch that was read
}

// checkedPoint is the offset below which a bad batch is damage.
func (r *recovery) checkedPoint() model.Offset {
	if r.trusted {
		return trustedPoint
	}
	return r.point
}

// believed: the segment was sealed below the recovery point, so that it and its
// indexes were synced as sealing left them. One that ends right at the point may
// have been sealed later: what sealing changed (the last index entries, the zeros
// that it cut off) may be lost.
func (r *recovery) believed(i int) bool {
	segments := r.log.segments
	return i+1 < len(segments) && segments[i+1].base < r.checkedPoint()
}

// loadIndexes takes stock of a segment's index files. Those of a believed
// segment that are missing are rebuilt, which reads the whole of it.
func (r *recovery) loadIndexes(i int, found *survey) error {
	s := r.log.segments[i]
	offsets, hasOffsets := found.sizes[baseName(s.base)+indexSuffix]
	times, hasTimes := found.sizes[baseName(s.base)+timeSuffix]
	s.offsets.reset(int(offsets / offsetEntrySize))
	s.times.reset(int(times / timeEntrySize))
	fits := offsets%offsetEntrySize == 0 && times%timeEntrySize == 0 && hasOffsets && hasTimes
	switch {
	case fits:
		s.indexesSynced = r.believed(i)
		return nil
	case !hasOffsets && !hasTimes && !r.believed(i): // a young segment
		return nil
	}
	if err := r.dropIndexes(s); err != nil || !r.believed(i) {
		return err // load reads the segment from its beginning
	}
	return r.rebuild(s)
}

func (r *recovery) dropIndexes(s *segment) error {
	r.found.IndexesRebuilt++
	for _, x := range []*indexFile{&s.offsets.indexFile, &s.times.indexFile} {
		if err := removeIfExists(r.log.fs, x.path); err != nil {
			return r.failed("remove "+x.path, err)
		}
		r.log.disk.handles.forget(x.path)
		x.reset(0)
	}
	return nil
}

// rebuild makes the indexes of a sealed segment below the recovery point anew.
func (r *recovery) rebuild(s *segment) error {
	l := r.log
	h, err := l.disk.handles.open(s.logPath())
	if err != nil {
		return err
	}
	defer h.release()
	scan := fileScan{r: h, size: s.size.Load(), crc: true, next: s.base, buf: r.buf}
	for {
		at := scan.position
		b, err := scan.batch()
		if err != nil {
			return r.damaged(s, &scan, err)
		}
		if b == nil {
			break
		}
		if err := s.add(l.fs, b, at, l.config().IndexIntervalBytes); err != nil {
			return r.failed("write index of "+s.logPath(), err)
		}
		r.checked(scan.position - at)
	}
	if err := s.seal(l.fs); err != nil {
		return r.failed("write index of "+s.logPath(), err)
	}
	return nil
}

// damaged says that a batch is not what was written.
func (r *recovery) damaged(s *segment, scan *fileScan, err error) error {
	if !errors.Is(err, errBad) {
		return fmt.Errorf("check %s: %w", s.logPath(), err)
	}
	return &CorruptError{Path: s.logPath(), Position: scan.position, Offset: scan.next, Reason: err.Error()}
}
