package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// readCached is a read that the kernel ends where it would have to wait for the disk. A
// file system that does not know the flag has nothing cached.
func readCached(f *osFile, p []byte, off int64) int {
	if len(p) == 0 {
		return 0
	}
	n, err := unix.Preadv2(int(f.fd), [][]byte{p}, off, unix.RWF_NOWAIT)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// noReadAhead: what it cannot do only costs the disk work.
func noReadAhead(f *os.File) {
	_ = onDescriptor(f, func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM) })
}
