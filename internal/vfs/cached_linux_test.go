package vfs

import (
	"bytes"
	"path/filepath"
	"testing"
)

// What is not in memory is not asked of the disk either, and what is there is read up to
// the file's end.
func TestReadCachedLeavesTheDiskAlone(t *testing.T) {
	f, err := OS().Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	const page, pages = 4 << 10, 64
	want := bytes.Repeat([]byte("chronik!"), pages*page/8+1)
	if _, err := f.WriteAt(want, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	size, file := int64(len(want)), f.(*osFile)
	inMemory := func() uint64 {
		t.Helper()
		n, err := pagesInMemory(file.fd, 0, size)
		if err != nil {
			t.Skipf("this system does not tell what is in memory: %v", err)
		}
		return n
	}
	read := func(off int64, n int) int { return f.ReadCached(make([]byte, n), off) }

	if had := inMemory(); had != pagesOf(0, size) {
		t.Skipf("of what was written just now %d pages are in memory", had)
	}
	if n := read(0, len(want)+100); n != len(want) {
		t.Errorf("beyond the end: %d bytes of %d", n, len(want))
	}
	if n := read(size-8, 4096); n != 8 {
		t.Errorf("of the last page: %d bytes of 8", n)
	}
	if n := read(size, 10); n != 0 {
		t.Errorf("behind the end: %d bytes", n)
	}

	f.NoReadAhead()
	f.Forget(0, size)
	if inMemory() != 0 {
		t.Skip("this file system keeps what is to be forgotten")
	}
	for _, n := range []int{1, page, len(want), 2 * len(want)} {
		if got := read(0, n); got != 0 || inMemory() != 0 {
			t.Fatalf("of %d bytes that are not in memory it had %d, and the system has read %d pages", n, got, inMemory())
		}
	}
	if _, err := f.ReadAt(make([]byte, page), 0); err != nil {
		t.Fatal(err)
	}
	if n := read(0, page); n != page {
		t.Errorf("of what has been read: %d bytes", n)
	}
	if had := inMemory(); read(0, len(want)) != 0 || inMemory() != had {
		t.Errorf("a stretch of which some is in memory had %d pages read", inMemory()-had)
	}
	if InMemory(file.f, 0, size) || !InMemory(file.f, 0, page) || InMemory(file.f, 0, 0) {
		t.Error("InMemory does not say what ReadCached does")
	}
}
