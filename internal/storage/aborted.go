package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// A segment's .txnindex lists the aborted transactions whose end marker is in
// the segment, big-endian:
//
//	0   2               10              18              26              34
//	┌───┬───────────────┬───────────────┬───────────────┬───────────────┐
//	│ 0 │  producer id  │ first offset  │  last offset  │ last stable   │
//	└───┴───────────────┴───────────────┴───────────────┴───────────────┘
//
// first and last (the marker's own) are inclusive; last stable is the log's
// last stable offset (exclusive) once this transaction had ended. Entries are
// in the order of their markers.
const abortedEntrySize = 34

type abortedTxn struct {
	producer         model.ProducerID
	first, last      model.Offset
	lastStableOffset model.Offset
}

func (a abortedTxn) encode() []byte {
	e := make([]byte, abortedEntrySize)
	binary.BigEndian.PutUint64(e[2:], uint64(a.producer))
	binary.BigEndian.PutUint64(e[10:], uint64(a.first))
	binary.BigEndian.PutUint64(e[18:], uint64(a.last))
	binary.BigEndian.PutUint64(e[26:], uint64(a.lastStableOffset))
	return e
}

func decodeAborted(e []byte) (abortedTxn, error) {
	if version := int16(binary.BigEndian.Uint16(e)); version != 0 {
		return abortedTxn{}, fmt.Errorf("aborted transaction of version %d", version)
	}
	a := abortedTxn{
		producer:         model.ProducerID(binary.BigEndian.Uint64(e[2:])),
		first:            model.Offset(binary.BigEndian.Uint64(e[10:])),
		last:             model.Offset(binary.BigEndian.Uint64(e[18:])),
		lastStableOffset: model.Offset(binary.BigEndian.Uint64(e[26:])),
	}
	if a.first < 0 || a.last < a.first {
		return abortedTxn{}, fmt.Errorf("aborted transaction [%d, %d]", a.first, a.last)
	}
	return a, nil
}

// abortedIndex is a segment's .txnindex. Most segments have none. Aborts are
// rare enough to open the file for each.
type abortedIndex struct {
	path  string
	count atomic.Int64 // entries; readers look at no more
}

func (x *abortedIndex) add(fs vfs.FS, a abortedTxn) (err error) {
	f, err := fs.OpenReadWrite(x.path)
	if err != nil {
		return fmt.Errorf("open transaction index: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(a.encode(), x.count.Load()*abortedEntrySize); err != nil {
		return fmt.Errorf("write %s: %w", x.path, err)
	}
	x.count.Add(1)
	return nil
}

// all reads the entries.
func (x *abortedIndex) all(c *handleCache) ([]abortedTxn, error) {
	n := x.count.Load()
	if n == 0 {
		return nil, nil
	}
	h, err := c.open(x.path)
	if err != nil {
		return nil, err
	}
	defer h.release()
	data := make([]byte, n*abortedEntrySize)
	if m, err := h.ReadAt(data, 0); m < len(data) {
		return nil, fmt.Errorf("read %s: %w", x.path, err)
	}
	return parseAborted(x.path, data)
}

func parseAborted(path string, data []byte) ([]abortedTxn, error) {
	list := make([]abortedTxn, 0, len(data)/abortedEntrySize)
	for at := 0; at+abortedEntrySize <= len(data); at += abortedEntrySize {
		a, err := decodeAborted(data[at : at+abortedEntrySize])
		if err != nil {
			return nil, &CorruptError{Path: path, Position: int64(at), Offset: model.NoOffset, Reason: err.Error()}
		}
		list = append(list, a)
	}
	return list, nil
}

// truncateTo drops transactions that ended at or after end. The file goes with
// its last entry.
func (x *abortedIndex) truncateTo(fs vfs.FS, c *handleCache, end model.Offset) error {
	list, err := x.all(c)
	if err != nil {
		return err
	}
	keep := len(list)
	for keep > 0 && list[keep-1].last >= end {
		keep--
	}
	switch {
	case keep == len(list):
		return nil
	case keep == 0:
		x.count.Store(0)
		c.forget(x.path)
		return removeIfExists(fs, x.path)
	}
	x.count.Store(int64(keep))
	return setFileSize(fs, x.path, int64(keep)*abortedEntrySize)
}

func (x *abortedIndex) sync(fs vfs.FS) (err error) {
	if x.count.Load() == 0 {
		return nil
	}
	f, err := fs.OpenReadWrite(x.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.SyncData()
}
