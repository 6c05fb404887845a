package storage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

const (
	// checkWindow is how much of a file is in memory while it is checked. A
	// batch that is larger has its CRC computed piece by piece: what a length
	// claims is never allocated.
	checkWindow = 256 << 10
	// controlBytesMax is the largest control batch that is looked into. Markers
	// have under 100 bytes.
	controlBytesMax = 64 << 10
	// crcFrom is where the bytes begin that a batch's CRC covers.
	crcFrom = 21
)

// fileScan reads a segment file batch by batch and believes nothing.
type fileScan struct {
	r    io.ReaderAt
	size int64 // of the file
	crc  bool  // verify CRCs

	next  model.Offset      // no batch may begin below
	epoch model.LeaderEpoch // no batch may have an older one
	gaps  gapRules

	position int64  // of the next batch
	buf      []byte // the window; its length is at least that of a control batch
	from     int64  // buf[:have] is the file at from
	have     int
}

// errBad says that what stands at a position is not a batch that was written
// there; other errors of fileScan are the disk's.
var errBad = errors.New("not a batch")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBad, fmt.Sprintf(format, args...))
}

// batch reads the batch at the scan's position and moves behind it. What is
// returned is the header, and the records of a control batch; it is valid until
// the next call. At the end of the file it is nil.
func (f *fileScan) batch() (record.Batch, error) {
	if f.position == f.size {
		return nil, nil
	}
	header, err := f.window(f.position, record.HeaderSize)
	if err != nil {
		return nil, err
	}
	b := record.Batch(header)
	size, err := record.SizeOf(b)
	switch {
	case err != nil:
		return nil, bad("%v", err)
	case b.Magic() != 2:
		return nil, bad("magic %d", b.Magic())
	case f.position+size > f.size:
		return nil, bad("batch of %d bytes, %d are left", size, f.size-f.position)
	case b.BaseOffset() < f.next:
		return nil, bad("base offset %d where %d was to come", b.BaseOffset(), f.next)
	case b.LastOffsetDelta() < 0 || b.LastOffset() < b.BaseOffset():
		return nil, bad("last offset delta %d", b.LastOffsetDelta())
	case b.LeaderEpoch() < f.epoch:
		return nil, bad("leader epoch %d after %d", b.LeaderEpoch(), f.epoch)
	}
	base, next := b.BaseOffset(), b.NextOffset() // b is gone when the window moves
	if f.crc {
		want := b.CRC()
		if err := f.checkCRC(want, f.position+crcFrom, f.position+size); err != nil {
			return nil, err
		}
	}
	if err := f.checkGap(base, next, f.position+size); err != nil {
		return nil, err
	}
	n := int64(record.HeaderSize)
	if size <= controlBytesMax {
		n = size // in the window most often
	}
	whole, err := f.window(f.position, int(n))
	if err != nil {
		return nil, err
	}
	b = record.Batch(whole)
	f.position += size
	f.next, f.epoch, f.gaps.adjacent = b.NextOffset(), b.LeaderEpoch(), true
	return b, nil
}

// gapRules say which gaps between batches are believed. The cleaner leaves gaps, and the
// CRC leaves the base offset out (it is the broker's to give), so that one flipped bit
// looks like a gap: what follows the batch then does not go on from it.
type gapRules struct {
	checked bool
	// adjacent: next is where the batch before ended, and not only a bound.
	adjacent bool
	// end is the offset that the file's batches stay below; atEnd: its last batch may
	// have a gap before it, though nothing follows that could tell.
	end   model.Offset
	atEnd bool
	// synced is where the recovery point is: a batch from there on may be torn.
	synced model.Offset
}

// sectorBytes is what a disk writes whole or not at all, at the least.
const sectorBytes = 512

// tearable: of the header of a batch at position, what comes before the magic and with it
// lies in two sectors. The one may have been written and the other not: zeros that were
// there before in place of the base offset, and a size behind them.
func tearable(position int64) bool {
	const readBefore = 17 // base offset, size, leader epoch, magic
	return position/sectorBytes != (position+readBefore-1)/sectorBytes
}

// checkGap looks at a batch's base offset. It may move the window.
func (f *fileScan) checkGap(base, next model.Offset, following int64) error {
	switch g := f.gaps; {
	case !g.checked, g.adjacent && base == f.next:
		return nil
	case next > g.end:
		return bad("offsets %d to %d where none from %d on may be", base, next-1, g.end)
	case following == f.size:
		if g.adjacent && !g.atEnd {
			return bad("base offset %d where %d was to come", base, f.next)
		}
		return nil
	case f.size-following < record.HeaderSize: // torn
		return nil
	case next >= g.synced && tearable(following): // what it says of this one may be half of it
		return nil
	}
	header, err := f.window(following, record.HeaderSize)
	if err != nil {
		return err
	}
	b := record.Batch(header)
	if _, err := record.SizeOf(b); err == nil && b.Magic() == 2 && b.BaseOffset() < next {
		return bad("offsets %d to %d, and %d follows", base, next-1, b.BaseOffset())
	}
	return nil
}

// window makes [position, position+n) of the file readable.
func (f *fileScan) window(position int64, n int) ([]byte, error) {
	if position >= f.from && position+int64(n) <= f.from+int64(f.have) {
		return f.buf[position-f.from:][:n], nil
	}
	want := min(int64(len(f.buf)), f.size-position)
	if want < int64(n) {
		return nil, bad("%d bytes are left", want)
	}
	m, err := f.r.ReadAt(f.buf[:want], position)
	if int64(m) < want {
		return nil, fmt.Errorf("read at byte %d: %w", position, err)
	}
	f.from, f.have = position, m
	return f.buf[:n], nil
}

func (f *fileScan) checkCRC(want uint32, from, to int64) error {
	var sum uint32
	for at := from; at < to; {
		n := min(to-at, int64(len(f.buf)))
		if inside := f.from + int64(f.have) - at; at >= f.from && inside > 0 {
			n = min(n, inside) // what is in the window already
		}
		piece, err := f.window(at, int(n))
		if err != nil {
			return err
		}
		sum = crc32.Update(sum, castagnoli, piece)
		at += n
	}
	if sum != want {
		return bad("CRC %08x, says %08x", sum, want)
	}
	return nil
}

// lastByte is the end of what is not zero in the file, from the scan's position
// on: a tail of zeros was written ahead or preallocated, and is no data.
func (f *fileScan) lastByte() (int64, error) {
	end := f.position
	for at := f.position; at < f.size; {
		n := min(f.size-at, int64(len(f.buf)))
		piece, err := f.window(at, int(n))
		if err != nil {
			return 0, err
		}
		for i := len(piece) - 1; i >= 0; i-- {
			if piece[i] != 0 {
				end = at + int64(i) + 1
				break
			}
		}
		at += n
	}
	return end, nil
}
