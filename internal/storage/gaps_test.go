package storage

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// flipBase flips a bit of the base offset of the batch at a position.
func flipBase(t tester, fs vfs.FS, path string, position int64, bit int) {
	t.Helper()
	f, err := fs.OpenReadWrite(path)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	at := position + 7 - int64(bit)/8
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (bit % 8)
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// The CRC leaves the base offset out. A log that ended at a flipped one was cut where the
// next batch did not go on from it, said to be longer than it was, and led with a hole.
func TestAFlippedBaseOffsetIsCutOffLikeATornBatch(t *testing.T) {
	const batches, records = 6, 3
	for _, compact := range []bool{false, true} {
		m := vfs.NewMem()
		c := smallSegments()
		c.SegmentBytes, c.Compact, c.Delete = 1<<20, compact, !compact
		b := newBench(t, m, c)
		var positions []int64
		for range batches {
			positions = append(positions, b.log.active().size.Load())
			b.append(records)
		}
		b.sync()
		want := b.all()
		for i, position := range positions {
			for bit := range 64 {
				clone := m.Clone()
				flipBase(t, clone, b.log.active().logPath(), position, bit)
				after, err := tryBench(t, clone, c, false)
				if err != nil {
					t.Fatal(err)
				}
				if up := (i*records)&(1<<min(bit, 62)) == 0; compact && up && i == batches-1 && bit < 31 {
					continue // as a cleaner may have left it: nobody can tell
				}
				if end := after.log.EndOffset(); end != model.Offset(i*records) {
					t.Fatalf("compact %v, batch %d, bit %d: the log ends at %d", compact, i, bit, end)
				}
				same(t, after.all(), want[:i*records])
			}
		}
	}
}

// A log that was compacted once has gaps, which are no damage.
func TestGapsThatACleanerLeftAreBelieved(t *testing.T) {
	for _, compact := range []bool{false, true} {
		m := vfs.NewMem()
		c := smallSegments()
		b := newBench(t, m, c)
		for i := range 4 {
			batch := values(2, fmt.Sprint(i))
			stamp(batch, model.Offset(10*i), 0, model.NoTimestamp)
			if _, err := b.log.AppendFollower(batch); err != nil {
				t.Fatal(err)
			}
		}
		b.append(1) // as a leader writes them
		b.sync()
		want := b.all()
		c.Compact, c.Delete = compact, !compact
		after, err := tryBench(t, m.Clone(), c, false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, after.all(), want)
	}
}

// A cut that is given an offset in a gap leaves a log that ends where its last batch does.
func TestACutInAGapEndsTheLogAtItsLastBatch(t *testing.T) {
	m := vfs.NewMem()
	b := newBench(t, m, smallSegments())
	b.append(2)
	at := b.log.active().size.Load()
	b.append(2)
	b.append(2)
	b.sync()
	flipBase(t, m, b.log.active().logPath(), at, 5) // 2 becomes 34
	b.must(b.log.TruncateTo(4))
	if end := b.log.EndOffset(); end != 2 {
		t.Errorf("the log ends at %d", end)
	}
}

// A batch's header was looked at again when the window had moved on to check its CRC: of
// a log that a crash had left unsynced, what was behind the first window was taken for
// torn.
func TestBatchesThatReachOutOfTheWindowAreWhole(t *testing.T) {
	for size := range 40 {
		m := vfs.NewMem()
		c := smallSegments()
		c.SegmentBytes, c.IndexBytes, c.IndexIntervalBytes = 8<<20, 1<<20, 4<<10
		b := newBench(t, m, c)
		for b.log.active().size.Load() < 3*checkWindow {
			b.append(20 + 7*size)
		}
		want := b.all()
		after, err := tryBench(t, m.Clone(), c, false)
		if err != nil {
			t.Fatal(err)
		}
		if after.log.EndOffset() != b.log.EndOffset() {
			t.Fatalf("batches of %d records: the log ended at %d, recovered it ends at %d", 20+7*size, b.log.EndOffset(), after.log.EndOffset())
		}
		same(t, after.all(), want)
	}
}

// A batch that was written in part may have its size and not its base offset, which lies in
// the sector before. The batch in front of it was taken for one with a flipped offset, and
// cut off, or the log for damaged.
func TestABatchIsNotJudgedByATornOne(t *testing.T) {
	c := smallSegments()
	c.SegmentBytes = 1 << 20
	for gap := range 2 {
		for pad := range sectorBytes {
			m := vfs.NewMem()
			b := newBench(t, m, c)
			add := func(offset model.Offset, text string) int64 {
				batch := values(1, text)
				stamp(batch, offset, 0, model.NoTimestamp)
				at := b.log.active().size.Load()
				if _, err := b.log.AppendFollower(batch); err != nil {
					t.Fatal(err)
				}
				return at
			}
			add(0, "a")
			add(model.Offset(1+9*gap), strings.Repeat("b", pad))
			position := add(model.Offset(2+9*gap), "c")
			if position%sectorBytes != sectorBytes-8 {
				continue
			}
			want := b.all()[:2]
			f, err := m.OpenReadWrite(b.log.active().logPath())
			b.must(err)
			_, err = f.WriteAt(make([]byte, 8), position)
			b.must(errors.Join(err, f.Close()))
			after, err := tryBench(t, m.Clone(), c, false)
			b.must(err)
			same(t, after.all(), want)
		}
	}
}
