package nodes

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget gives up what the page cache has of a file that has been synced.
func forget(f *os.File) error {
	return os.NewSyscallError("posix_fadvise", unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
}
