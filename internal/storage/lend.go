package storage

import (
	"fmt"
	"os"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

const (
	// lendBytesMin is how much has to be there: of less, the system calls cost more
	// than the copying that they save.
	lendBytesMin = 64 << 10
	// lendBatchBytesMin is how large batches are at least, by and large. To find where the
	// next begins a header is read; of small ones that would be most of what there is.
	lendBatchBytesMin = 8 << 10
	// lendSmallMax is how many batches may be small before large ones come: a log often
	// begins with some.
	lendSmallMax = 32
	// lentMax is how much may be lent at a time: each may keep a file open, and what it
	// holds on the disk though it is deleted.
	lentMax = 1024
)

// Lent is whole batches that stand in a file of the log, to be sent from there
// (sendfile): neither memory nor a copy is needed. The file stays open until Release.
type Lent struct {
	File             *os.File
	Position, Length int64        // in bytes
	NextOffset       model.Offset // after the last batch
	handle           *handle
	disk             *Disk
}

// Release gives the file back; it is called once.
func (l *Lent) Release() {
	l.disk.lent.Add(-1)
	l.handle.release()
}

// Lend is Read for those who can send from a file. It is nil where that is of no use, or
// not safe: then Read has it. Lent is what this process wrote itself and the page cache
// has had since: nothing came from the disk, which may spoil it, so that readers lose no
// check of it (docs/adr/0014). What else has the file read, a backup for one, is not seen.
//
// What was lent and not sent yet can be truncated only below the high watermark, by an
// unclean election: then less is sent than was announced, or its checksum is wrong.
func (l *Log) Lend(r Read) (*Lent, error) {
	if err := l.disk.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", l.tp, err)
	}
	l.read.Store(time.Now().UnixNano())
	v := l.view()
	defer v.release()
	if v.closed || r.From < v.start || r.From >= v.end {
		return nil, nil //nolint:nilnil // Read says what is wrong
	}
	r.To = min(r.To, v.end)
	lent, err := l.lend(&v, segmentFor(v.segments, r.From), r)
	if lent == nil {
		return nil, err
	}
	l.mu.RLock()
	same := l.generation == v.generation
	l.mu.RUnlock()
	if !same {
		lent.Release()
		return nil, nil //nolint:nilnil // as above
	}
	return lent, nil
}

func (l *Log) lend(v *view, i int, r Read) (*Lent, error) {
	s := v.segments[i]
	if s.size.Load()-s.fromDisk.Load() < lendBytesMin || l.disk.lent.Load() >= lentMax {
		return nil, nil //nolint:nilnil // as above
	}
	h, size, err := v.open(&l.disk.handles, i)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", l.tp, err)
	}
	defer h.release()
	file, ok := vfs.OSFile(h.File)
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	position, err := l.locate(v.generation, s, h, size, r.From)
	if err != nil || size-position < lendBytesMin || position < s.fromDisk.Load() {
		return nil, err
	}
	out := Lent{File: file, Position: position, NextOffset: r.From}
	batches := int64(0)
	for batches*lendBatchBytesMin <= out.Length+lendSmallMax*lendBatchBytesMin && out.add(h, size, r) {
		batches++
	}
	// In this order: what is in memory and was not read from the disk is as it was written.
	if out.Length < max(lendBytesMin, batches*lendBatchBytesMin) || !vfs.InMemory(file, position, out.Length) || position < s.fromDisk.Load() {
		return nil, nil //nolint:nilnil // as above
	}
	l.cursors.put(cursor{v.generation, out.NextOffset, s.base, position + out.Length})
	out.handle, out.disk = h.acquire(), l.disk
	l.disk.lent.Add(1)
	return &out, nil
}

// add adds the next batch, unless that is to be left out, or for Read to look at.
func (l *Lent) add(h *handle, size int64, r Read) bool {
	var header [record.HeaderSize]byte
	at := l.Position + l.Length
	if at+record.HeaderSize > size || h.ReadCached(header[:], at) < len(header) {
		return false
	}
	b := record.Batch(header[:])
	n, err := record.SizeOf(b)
	switch {
	case err != nil, at+n > size:
		return false
	case l.Length+n > int64(r.MaxBytes) && (l.Length > 0 || !r.MinOneBatch):
		return false
	case b.NextOffset() <= l.NextOffset, b.NextOffset() > r.To:
		return false
	}
	l.Length, l.NextOffset = l.Length+n, b.NextOffset()
	return true
}
