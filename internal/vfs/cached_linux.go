package vfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readCached is a read that the kernel ends where it would have to wait for the disk. Of
// file systems that cannot tell (FUSE's, for one) all is read as if it were in memory.
//
// Such a read has the disk begin with what is missing (filemap_get_pages does read-ahead
// with RWF_NOWAIT too), with all of p: reads that were to go by turns were all under way,
// and what came from the disk so had nobody note it. So the kernel is asked first.
func readCached(f *osFile, p []byte, off int64) int {
	if len(p) == 0 || absent(f.fd, off, int64(len(p))) {
		return 0
	}
	n, err := unix.Preadv2(int(f.fd), [][]byte{p}, off, unix.RWF_NOWAIT)
	switch {
	case err == nil:
		return max(n, 0)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		n, err = f.f.ReadAt(p, off)
		if err == nil || errors.Is(err, io.EOF) {
			return n
		}
	}
	return 0
}

// absent reports whether some of a stretch of a file, as far as there is a file, is known
// not to be in memory. Linux before 6.5 knows nothing.
func absent(fd uintptr, off, n int64) bool {
	in, err := pagesInMemory(fd, off, n)
	if err != nil || in == pagesOf(off, n) {
		return false
	}
	var st unix.Stat_t
	if unix.Fstat(int(fd), &st) != nil || off+n <= st.Size {
		return true
	}
	return off < st.Size && in < pagesOf(off, st.Size-off)
}

// pagesInMemory is how many pages of a stretch the page cache has, or waits for.
func pagesInMemory(fd uintptr, off, n int64) (uint64, error) {
	var found unix.Cachestat_t
	within := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	err := unix.Cachestat(uint(fd), &within, &found, 0)
	return found.Cache, err
}

var pageSize = int64(os.Getpagesize())

// pagesOf is how many pages n bytes from off are on.
func pagesOf(off, n int64) uint64 { return uint64((off+n-1)/pageSize - off/pageSize + 1) }

// noReadAhead: what it cannot do only costs the disk work.
func noReadAhead(f *os.File) {
	_ = onDescriptor(f, func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM) })
}

// forget: what it cannot do only costs others memory.
func forget(f *os.File, off, length int64) {
	if length > 0 { // 0 is all there is
		_ = onDescriptor(f, func(fd int) error { return unix.Fadvise(fd, off, length, unix.FADV_DONTNEED) })
	}
}

// InMemory reports whether a stretch of a file is in memory as a whole; false where that
// cannot be told (Linux before 6.5, or where ReadCached cannot either), or for no bytes.
func InMemory(f *os.File, off, n int64) bool {
	if n <= 0 {
		return false
	}
	if in, err := pagesInMemory(f.Fd(), off, n); err != nil || in != pagesOf(off, n) {
		return false
	}
	var first [1]byte // FUSE's file systems cannot tell, and have no such read
	m, err := unix.Preadv2(int(f.Fd()), [][]byte{first[:]}, off, unix.RWF_NOWAIT)
	return m == 1 && err == nil
}
