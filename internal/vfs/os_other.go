//go:build !linux

package vfs

import (
	"errors"
	"io"
	"os"
)

// syncData is Sync where there is no fdatasync. On Darwin os.File.Sync is
// F_FULLFSYNC, the only call there that empties the disk's own cache.
func syncData(f *os.File) error { return f.Sync() }

// openVolume: only Linux's syncfs waits, and says what has failed.
func openVolume(string) (Volume, error) { return nil, errors.ErrUnsupported }

// preallocate does nothing: elsewhere than on Linux it would change the length,
// and it only saves time.
func preallocate(*os.File, int64, int64) error { return nil }

// readCached: elsewhere than on Linux it cannot be told, and all is read as if it were.
func readCached(f *osFile, p []byte, off int64) int {
	n, err := f.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	return n
}

// noReadAhead only saves the disk work.
func noReadAhead(*os.File) {}

// InMemory cannot be told elsewhere than on Linux.
func InMemory(*os.File, int64, int64) bool { return false }

// forget only makes room for others.
func forget(*os.File, int64, int64) {}
