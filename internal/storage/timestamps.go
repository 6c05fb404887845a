package storage

import (
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// OffsetForTimestamp finds the first record whose timestamp is ts or later,
// below to.
func (l *Log) OffsetForTimestamp(ts model.Timestamp, to model.Offset) (TimestampOffset, bool, error) {
	return l.findTimestamp(to, func(v *view) (*TimestampOffset, error) {
		for i := segmentFor(v.segments, v.start); i < len(v.segments); i++ {
			found, err := l.searchSegment(v, i, ts)
			if found != nil || err != nil {
				return found, err
			}
		}
		return nil, nil
	})
}

// MaxTimestamp finds the first record that has the largest timestamp of all, if
// it is below to (KIP-734).
func (l *Log) MaxTimestamp(to model.Offset) (TimestampOffset, bool, error) {
	return l.findTimestamp(to, func(v *view) (*TimestampOffset, error) {
		var best timeEntry
		var where int
		for i := range v.segments {
			e, err := l.largestOf(v, i)
			if err != nil {
				return nil, err
			}
			if i == 0 || e.timestamp > best.timestamp {
				best, where = e, i
			}
		}
		if best.timestamp < 0 {
			return nil, nil
		}
		return l.searchSegment(v, where, best.timestamp)
	})
}

func (l *Log) findTimestamp(to model.Offset, find func(*view) (*TimestampOffset, error)) (TimestampOffset, bool, error) {
	if err := l.disk.Err(); err != nil {
		return TimestampOffset{}, false, fmt.Errorf("search %s: %w", l.tp, err)
	}
	found, err := stable(l, find)
	if err != nil {
		return TimestampOffset{}, false, fmt.Errorf("search %s by timestamp: %w", l.tp, err)
	}
	if found == nil || found.Offset >= to {
		return TimestampOffset{}, false, nil
	}
	return *found, true, nil
}

// largestOf is a segment's largest timestamp. For the last one that is read
// from the batches behind the last index entry, because what the writer knows
// is the writer's.
func (l *Log) largestOf(v *view, i int) (timeEntry, error) {
	s := v.segments[i]
	e, err := s.times.newest(&l.disk.handles)
	if err != nil || i < len(v.segments)-1 {
		return e, err
	}
	position, err := s.offsets.positionFor(&l.disk.handles, e.offset)
	if err != nil {
		return e, err
	}
	headers := s.headers(v.activeFile, v.activeSize, make([]byte, scanWindow))
	for position < v.activeSize {
		b, n, err := headers.at(position)
		if err != nil {
			return e, err
		}
		if b.MaxTimestamp() > e.timestamp {
			e = timeEntry{b.MaxTimestamp(), b.LastOffset()}
		}
		position += n
	}
	return e, nil
}

// searchSegment finds the first record in a segment with a timestamp of at
// least ts and an offset of at least the log's start.
func (l *Log) searchSegment(v *view, i int, ts model.Timestamp) (*TimestampOffset, error) {
	s, c := v.segments[i], &l.disk.handles
	sealed := i < len(v.segments)-1
	if sealed {
		if e, err := s.times.newest(c); err != nil || e.timestamp >= 0 && e.timestamp < ts {
			return nil, err
		}
	}
	before, err := s.times.before(c, ts)
	if err != nil {
		return nil, err
	}
	position, err := s.offsets.positionFor(c, max(before.offset, v.start))
	if err != nil {
		return nil, err
	}
	h, size, err := v.open(c, i)
	if err != nil {
		return nil, err
	}
	defer h.release()
	headers := s.headers(h, size, make([]byte, scanWindow))
	for position < size {
		b, n, err := headers.at(position)
		if err != nil {
			return nil, err
		}
		if b.MaxTimestamp() >= ts && b.LastOffset() >= v.start {
			found, err := l.searchBatch(h, s, position, n, search{ts, v.start})
			if found != nil || err != nil {
				return found, err
			}
		}
		position += n
	}
	return nil, nil
}

// search is what a record must have at least.
type search struct {
	timestamp model.Timestamp
	offset    model.Offset
}

func (l *Log) searchBatch(h *handle, s *segment, position, n int64, want search) (*TimestampOffset, error) {
	b := make(record.Batch, n) // the size lies within the file
	if m, err := (segmentReader{s, h}).ReadAt(b, position); int64(m) < n {
		return nil, fmt.Errorf("read %s at byte %d: %w", s.logPath(), position, err)
	}
	records, err := b.Records(l.config().limits())
	if err != nil {
		return nil, err
	}
	defer records.Close()
	for {
		r, more, err := records.Next()
		if err != nil || !more {
			return nil, err
		}
		if r.Timestamp >= want.timestamp && r.Offset >= want.offset {
			return &TimestampOffset{Timestamp: r.Timestamp, Offset: r.Offset, LeaderEpoch: b.LeaderEpoch()}, nil
		}
	}
}

// AbortedTransactions lists the aborted transactions that have records in
// [from, to), for a read_committed fetch.
func (l *Log) AbortedTransactions(from, to model.Offset) ([]Aborted, error) {
	if err := l.disk.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", l.tp, err)
	}
	return stable(l, func(v *view) ([]Aborted, error) {
		var out []Aborted
		for i := segmentFor(v.segments, from); i < len(v.segments); i++ {
			list, err := v.segments[i].aborted.all(&l.disk.handles)
			if err != nil {
				return nil, fmt.Errorf("read aborted transactions of %s: %w", l.tp, err)
			}
			for _, a := range list {
				if a.last >= from && a.first < to {
					out = append(out, Aborted{a.producer, a.first})
				}
				if a.lastStableOffset >= to { // all that matter to this range have been seen
					return out, nil
				}
			}
		}
		return out, nil
	})
}
