package vfs

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// volumeTypes are the file systems of which syncfs is known to wait until the disk has
// everything, its own cache emptied. Of FUSE's it is not: what is below does not hear of
// it.
var volumeTypes = []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC}

// openVolume keeps the directory open: the kernel remembers for each open file which
// errors of its file system it has reported to it.
func openVolume(dir string) (Volume, error) {
	var s unix.Statfs_t
	if err := ignoringInterrupts(func() error { return unix.Statfs(dir, &s) }); err != nil {
		return nil, err
	}
	known := false
	for _, t := range volumeTypes {
		known = known || int64(s.Type) == t //nolint:unconvert // 32 bits on some systems
	}
	if !known || !reportsErrors() {
		return nil, errors.ErrUnsupported
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	return &osVolume{f}, nil
}

// reportsErrors: before Linux 5.8 syncfs said nothing of what could not be written.
func reportsErrors() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	return releaseAtLeast(unix.ByteSliceToString(u.Release[:]), 5, 8)
}

// releaseAtLeast compares a kernel's release, such as 6.1.0-18-amd64.
func releaseAtLeast(release string, major, minor int) bool {
	first, rest, _ := strings.Cut(release, ".")
	a, err := strconv.Atoi(first)
	if err != nil || a != major {
		return err == nil && a > major
	}
	digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if digits >= 0 {
		rest = rest[:digits]
	}
	b, err := strconv.Atoi(rest)
	return err == nil && b >= minor
}

type osVolume struct{ dir *os.File }

func (v *osVolume) Sync() error {
	return onDescriptor(v.dir, func(fd int) error { return ignoringInterrupts(func() error { return unix.Syncfs(fd) }) })
}

func (v *osVolume) Close() error { return v.dir.Close() }
