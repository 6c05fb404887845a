package storage

import (
	"encoding/binary"
	"math"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// A segment's .index maps offsets to positions, one entry for each
// index.interval.bytes of records, big-endian:
//
//	0         4         8
//	┌─────────┬─────────┐
//	│ offset  │position │   offset: of a batch's last record, less the segment's base
//	└─────────┴─────────┘   position: where that batch begins in the .log
//
// Both grow strictly.
const offsetEntrySize = 8

// offsetIndex searches an .index.
type offsetIndex struct {
	indexFile
	base model.Offset
}

func (x *offsetIndex) add(last model.Offset, position int64) (full bool) {
	var e [offsetEntrySize]byte
	binary.BigEndian.PutUint32(e[0:], uint32(last-x.base))
	binary.BigEndian.PutUint32(e[4:], uint32(position))
	return x.append(e[:])
}

func decodeOffsetEntry(e []byte) (relative int64, position int64) {
	return int64(int32(binary.BigEndian.Uint32(e[0:]))), int64(int32(binary.BigEndian.Uint32(e[4:])))
}

// positionFor is a position at or before the batch that holds offset.
func (x *offsetIndex) positionFor(c *handleCache, offset model.Offset) (int64, error) {
	var buf [offsetEntrySize]byte
	i, e, err := x.search(c, buf[:], func(e []byte) bool {
		relative, _ := decodeOffsetEntry(e)
		return x.base+model.Offset(relative) <= offset
	})
	if err != nil || i < 0 {
		return 0, err
	}
	_, position := decodeOffsetEntry(e)
	return position, nil
}

// truncateTo keeps the entries below a position and, where offset is not
// negative, below that offset.
func (x *offsetIndex) truncateTo(fs vfs.FS, c *handleCache, position int64) error {
	var buf [offsetEntrySize]byte
	i, _, err := x.search(c, buf[:], func(e []byte) bool {
		_, p := decodeOffsetEntry(e)
		return p < position
	})
	if err != nil {
		return err
	}
	return x.truncate(fs, i+1)
}

// A segment's .timeindex maps timestamps to offsets, big-endian:
//
//	0                   8         12
//	┌───────────────────┬─────────┐   timestamp: the largest so far in the segment
//	│     timestamp     │ offset  │   offset: of the last record of the batch that has
//	└───────────────────┴─────────┘   it, less the segment's base
//
// Timestamps grow strictly, offsets do not shrink. The last entry of a segment
// that is no longer written has the segment's largest timestamp.
const timeEntrySize = 12

// timeIndex searches a .timeindex.
type timeIndex struct {
	indexFile
	base model.Offset
	last timeEntry // the newest entry, where known; written by the writer only
}

type timeEntry struct {
	timestamp model.Timestamp
	offset    model.Offset
}

// maybeAdd adds an entry if the timestamp is greater than the last one's.
func (x *timeIndex) maybeAdd(e timeEntry) (full bool) {
	if e.timestamp <= x.last.timestamp || e.timestamp < 0 {
		return false
	}
	x.last = e
	var b [timeEntrySize]byte
	binary.BigEndian.PutUint64(b[0:], uint64(e.timestamp))
	binary.BigEndian.PutUint32(b[8:], uint32(e.offset-x.base))
	return x.append(b[:])
}

func (x *timeIndex) decode(e []byte) timeEntry {
	return timeEntry{
		timestamp: model.Timestamp(binary.BigEndian.Uint64(e[0:])),
		offset:    x.base + model.Offset(int32(binary.BigEndian.Uint32(e[8:]))),
	}
}

// before is the last entry whose timestamp is less than ts: no record before
// its offset has a timestamp of ts or more.
func (x *timeIndex) before(c *handleCache, ts model.Timestamp) (timeEntry, error) {
	var buf [timeEntrySize]byte
	i, e, err := x.search(c, buf[:], func(e []byte) bool { return x.decode(e).timestamp < ts })
	if err != nil || i < 0 {
		return timeEntry{model.NoTimestamp, x.base}, err
	}
	return x.decode(e), nil
}

// newest is the last entry, or no timestamp.
func (x *timeIndex) newest(c *handleCache) (timeEntry, error) {
	n := x.count()
	if n == 0 {
		return timeEntry{model.NoTimestamp, x.base}, nil
	}
	var buf [timeEntrySize]byte
	e, err := x.at(c, buf[:], n-1)
	if err != nil {
		return timeEntry{}, err
	}
	return x.decode(e), nil
}

// truncateTo keeps the entries below an offset.
func (x *timeIndex) truncateTo(fs vfs.FS, c *handleCache, end model.Offset) error {
	var buf [timeEntrySize]byte
	i, _, err := x.search(c, buf[:], func(e []byte) bool { return x.decode(e).offset < end })
	if err != nil {
		return err
	}
	if err := x.truncate(fs, i+1); err != nil {
		return err
	}
	x.last, err = x.newest(c)
	return err
}

// relativeMax is the largest distance of an offset from its segment's base.
const relativeMax = math.MaxInt32
