package vfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readCached is a read that the kernel ends where it would have to wait for the disk. Of
// file systems that cannot tell (FUSE's, for one) all is read as if it were in memory.
func readCached(f *osFile, p []byte, off int64) int {
	if len(p) == 0 {
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
	var first [1]byte
	if m, err := unix.Preadv2(int(f.Fd()), [][]byte{first[:]}, off, unix.RWF_NOWAIT); n <= 0 || m != 1 || err != nil {
		return false
	}
	var found unix.Cachestat_t
	within := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	if err := unix.Cachestat(uint(f.Fd()), &within, &found, 0); err != nil {
		return false
	}
	page := int64(os.Getpagesize())
	return found.Cache == uint64((off+n-1)/page-off/page+1)
}
