package storage

import (
	"bytes"
	"testing"

	"github.com/chronik/chronik/internal/vfs"
)

func TestZerosAreWrittenAheadOnlyOfSmallSyncs(t *testing.T) {
	f := func(what string, n aheadNeed, wantTo int64, wantAnew bool) {
		t.Helper()
		to, anew := n.decide()
		if to != wantTo || anew != wantAnew {
			t.Errorf("%s: up to %d, anew %t; want %d, %t", what, to, anew, wantTo, wantAnew)
		}
	}
	const mib, gib = 1 << 20, 1 << 30
	f("zeros left", aheadNeed{end: mib, filledTo: mib, limit: gib, logBytes: mib, bytes: 64 << 10, syncs: 16}, 0, false)
	f("16 KiB a sync", aheadNeed{end: mib, limit: gib, logBytes: mib, bytes: 256 << 10, syncs: 16}, mib+aheadBytesMax, true)
	f("a byte more", aheadNeed{end: mib, limit: gib, logBytes: mib, bytes: 256<<10 + 1, syncs: 16}, 0, true)
	f("large, too early to tell", aheadNeed{end: mib, limit: gib, logBytes: mib, bytes: 64 << 10, syncs: 1}, 0, false)
	f("large", aheadNeed{end: mib, limit: gib, logBytes: mib, bytes: mib, syncs: 4}, 0, true)
	f("never synced", aheadNeed{end: mib, limit: gib, logBytes: mib, bytes: mib}, 0, true)
	f("few syncs yet", aheadNeed{end: 1500, limit: gib, logBytes: 1500, bytes: 1500, syncs: 15}, 0, false)
	f("a young log at most doubles", aheadNeed{end: 1500, limit: gib, logBytes: 1500, bytes: 1500, syncs: 16}, 8192, true)
	f("whole blocks", aheadNeed{end: 40000, limit: gib, logBytes: 40000, bytes: 20000, syncs: 16}, 81920, true)
	f("not beyond the segment", aheadNeed{end: 5000, limit: 6000, logBytes: 5000, bytes: 3000, syncs: 16}, 6000, true)
	f("no room in the segment", aheadNeed{end: 6000, limit: 6000, logBytes: 6000, bytes: 3000, syncs: 16}, 0, true)
}

// trickled is a log with zeros ahead of its end, all of it synced.
func trickled(t *testing.T, m *vfs.Mem) *bench {
	t.Helper()
	c := smallSegments()
	c.SegmentBytes = 64 << 10
	b := newBench(t, m, c)
	for range 2 * aheadSyncsMin {
		b.append(1)
		b.sync()
	}
	if size := b.log.active().size.Load(); b.fileBytes() <= size {
		t.Fatalf("the file has %d bytes, %d of batches: no zeros ahead", b.fileBytes(), size)
	}
	return b
}

// fileBytes is the length of the last segment's file.
func (b *bench) fileBytes() int64 {
	b.t.Helper()
	i, err := b.fs.Stat(b.log.active().logPath())
	b.must(err)
	return i.Size
}

func TestZerosAheadAreNoRecordsAndNoLoss(t *testing.T) {
	m := vfs.NewMem()
	b := trickled(t, m)
	want := b.all()
	if r, err := b.log.Read(Read{From: 0, To: b.log.EndOffset() + 100, MaxBytes: 1 << 20}); err != nil ||
		int64(len(r.Batches)) != b.log.Size() {
		t.Errorf("read %d bytes, the log has %d: %v", len(r.Batches), b.log.Size(), err)
	}
	killed, err := tryBench(t, m.Clone(), *b.log.config(), false)
	b.must(err)
	same(t, killed.all(), want)
	if killed.found.BytesCut != 0 || killed.fileBytes() != killed.log.Size() {
		t.Errorf("recovery cut %d bytes off and left %d for %d", killed.found.BytesCut, killed.fileBytes(), killed.log.Size())
	}
	killed.append(1)
	same(t, killed.all()[:len(want)], want)
}

// A torn batch lies on zeros; it is cut off with them, and only it is reported.
func TestATornBatchOnZerosIsCutOffAndReported(t *testing.T) {
	m := vfs.NewMem()
	b := trickled(t, m)
	want := b.all()
	size := b.log.active().size.Load()
	torn := values(3, "torn")
	stamp(torn, b.log.EndOffset(), 0, -1)
	for _, missing := range []int{3, len(torn) / 2} { // the very last byte is a zero anyway
		clone := m.Clone()
		f, err := clone.OpenReadWrite(b.log.active().logPath())
		b.must(err)
		_, err = f.WriteAt(torn[:len(torn)-missing], size)
		b.must(err)
		after, err := tryBench(t, clone, *b.log.config(), false)
		b.must(err)
		same(t, after.all(), want)
		cut := int64(len(bytes.TrimRight(torn[:len(torn)-missing], "\x00")))
		if after.found.BytesCut != cut || after.fileBytes() != size {
			t.Errorf("recovery cut %d bytes off, want %d, and left %d, want %d", after.found.BytesCut, cut, after.fileBytes(), size)
		}
	}
}

func TestAFileEndsWhereItsBatchesDoOnceItIsLeft(t *testing.T) {
	leave := map[string]func(b *bench){
		"roll":     func(b *bench) { b.log.write.Lock(); defer b.log.write.Unlock(); b.must(b.log.roll(b.log.end)) },
		"close":    func(b *bench) { b.must(b.log.Close()) },
		"truncate": func(b *bench) { b.must(b.log.TruncateTo(5)) },
		"retain": func(b *bench) {
			_, err := b.log.Retain(testNow, b.log.EndOffset())
			b.must(err)
		},
	}
	for name, do := range leave {
		t.Run(name, func(t *testing.T) {
			b := trickled(t, vfs.NewMem())
			if name == "retain" { // the last segment goes too
				c := *b.log.config()
				c.RetentionBytes = 0
				b.log.SetConfig(c)
			}
			do(b)
			for _, s := range b.log.segments {
				i, err := b.fs.Stat(s.logPath())
				b.must(err)
				if i.Size != s.size.Load() {
					t.Errorf("%s has %d bytes, %d of batches", s.logPath(), i.Size, s.size.Load())
				}
			}
			if name == "close" {
				return
			}
			if left := b.log.write.ahead.filledTo; left > b.log.active().size.Load() {
				t.Errorf("zeros up to %d are still counted on", left)
			}
			want := append(b.all(), "")
			a := b.append(1)
			got := b.all()
			want[len(want)-1] = got[len(got)-1]
			same(t, got, want)
			if a.EndOffset != b.log.EndOffset() {
				t.Errorf("log ends at %d, want %d", b.log.EndOffset(), a.EndOffset)
			}
		})
	}
}
