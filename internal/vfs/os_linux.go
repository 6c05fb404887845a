package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func syncData(f *os.File) error {
	return onDescriptor(f, func(fd int) error { return ignoringInterrupts(func() error { return unix.Fdatasync(fd) }) })
}

// preallocate keeps the length: a segment's length is how far it was written. A
// file system without fallocate is as good, only slower.
func preallocate(f *os.File, offset, length int64) error {
	if length <= 0 {
		return nil
	}
	err := onDescriptor(f, func(fd int) error {
		return ignoringInterrupts(func() error {
			return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, offset, length)
		})
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
