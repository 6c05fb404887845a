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
