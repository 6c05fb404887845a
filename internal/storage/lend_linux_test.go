package storage

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// lendBench is a log on a real disk.
func lendBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Type == unix.TMPFS_MAGIC {
		t.Skip("a file there is nowhere but in memory")
	}
	t.Chdir(dir)
	c := smallSegments()
	c.SegmentBytes, c.IndexIntervalBytes, c.IndexBytes = 4<<20, 4<<10, 1<<20
	return newBench(t, vfs.OS(), c)
}

// large appends a batch of so many bytes, of one record.
func (b *bench) large(n int) {
	b.t.Helper()
	bl := record.NewBuilder(record.BuildOptions{})
	bl.Append(testNow, nil, bytes.Repeat([]byte{byte(b.log.EndOffset())}, n))
	_, err := b.log.Append(bl.Build(), Append{Now: testNow})
	b.must(err)
}

func (b *bench) lend(r Read) *Lent {
	b.t.Helper()
	lent, err := b.log.Lend(r)
	b.must(err)
	return lent
}

// lends asks for everything from an offset on.
func (b *bench) lends(from model.Offset) bool {
	b.t.Helper()
	lent := b.lend(Read{From: from, To: b.log.EndOffset(), MaxBytes: 1 << 20})
	if lent != nil {
		lent.Release()
	}
	return lent != nil
}

// What is lent is what would have been read, where there is enough of it.
func TestLentIsWhatReadHas(t *testing.T) {
	b := lendBench(t)
	b.needsCachestat()
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		b.large(1 + r.IntN(300<<10))
		for range r.IntN(20) {
			b.large(10)
		}
	}
	if len(b.log.segments) < 3 {
		t.Fatalf("%d segments", len(b.log.segments))
	}
	lent := 0
	for range 2000 {
		from := model.Offset(r.Int64N(int64(b.log.EndOffset())))
		want := Read{From: from, To: from + model.Offset(r.IntN(200)), MaxBytes: r.IntN(2 << 20), MinOneBatch: r.IntN(2) == 0}
		got := b.lend(want)
		if got == nil {
			continue
		}
		lent++
		read, err := b.log.Read(want)
		b.must(err)
		inFile := make([]byte, got.Length)
		if _, err := got.File.ReadAt(inFile, got.Position); err != nil {
			t.Fatal(err)
		}
		// It may be less: it ends with a segment, or where batches become small.
		if !bytes.HasPrefix(read.Batches, inFile) || got.Length < lendBytesMin || got.NextOffset > read.NextOffset {
			t.Fatalf("%+v: lent %d bytes to %d, read %d to %d", want, got.Length, got.NextOffset, len(read.Batches), read.NextOffset)
		}
		got.Release()
	}
	if lent < 500 {
		t.Errorf("%d of 2000 were lent", lent)
	}
}

// What has come from the disk is not lent: the reader shall see whether it is whole.
func TestOnlyWhatIsAsItWasWrittenIsLent(t *testing.T) {
	b := lendBench(t)
	b.needsCachestat()
	for range 10 {
		b.large(100 << 10)
	}
	b.sync()
	b.forget(0, 3*100<<10)
	if b.lends(0) {
		t.Error("what is not in memory was lent")
	}
	if !b.lends(5) {
		t.Error("what is in memory was not lent")
	}
	if _, err := b.log.Read(Read{From: 0, To: 3, MaxBytes: 320 << 10}); err != nil {
		t.Fatal(err)
	}
	if b.lends(0) || b.lends(2) {
		t.Error("what had been read from the disk was lent")
	}
	if !b.lends(5) {
		t.Error("what was written behind is not lent any more")
	}

	b = b.reopen(false)
	if b.lends(0) || b.lends(5) {
		t.Error("what an earlier process wrote was lent")
	}
	for range 3 {
		b.large(100 << 10)
	}
	if b.lends(9) || !b.lends(12) { // 11 is on a page with what was there
		t.Error("what this process wrote was not lent, or more than that")
	}
}

func TestLentOutlivesItsSegment(t *testing.T) {
	b := lendBench(t)
	b.needsCachestat()
	for range 60 {
		b.large(100 << 10)
	}
	lent := b.lend(Read{From: 0, To: 60, MaxBytes: 1 << 20})
	if lent == nil {
		t.Fatal("not lent")
	}
	before := make([]byte, lent.Length)
	if _, err := lent.File.ReadAt(before, lent.Position); err != nil {
		t.Fatal(err)
	}
	b.must(b.log.TruncateFullyAndStartAt(100))
	b.must(b.log.Close())
	after := make([]byte, lent.Length)
	if _, err := lent.File.ReadAt(after, lent.Position); err != nil || !bytes.Equal(before, after) {
		t.Errorf("%v, or not what was there", err)
	}
	lent.Release()
	if _, err := lent.File.ReadAt(after, 0); err == nil {
		t.Error("the file is open still")
	}
}

// needsCachestat skips the test on kernels that do not tell what is in memory.
func (b *bench) needsCachestat() {
	b.t.Helper()
	b.large(100 << 10)
	file, _ := vfs.OSFile(b.log.active().file.File)
	if !vfs.InMemory(file, 0, 1) {
		b.t.(*testing.T).Skip("needs cachestat of Linux 6.5")
	}
}

// forget has the page cache forget some of the first segment.
func (b *bench) forget(off, n int64) {
	b.t.Helper()
	f, err := vfs.OS().Open(filepath.Clean(b.log.segments[0].logPath()))
	b.must(err)
	file, _ := vfs.OSFile(f)
	b.must(unix.Fadvise(int(file.Fd()), off, n, unix.FADV_DONTNEED))
	b.must(f.Close())
}
