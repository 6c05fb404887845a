//go:build unix

package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// onDescriptor calls do while f cannot be closed.
func onDescriptor(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := c.Control(func(fd uintptr) { result = do(int(fd)) }); err != nil {
		return err
	}
	return result
}

// ignoringInterrupts repeats a call that a signal interrupted: Go's own
// preemption signals do (os does the same).
func ignoringInterrupts(call func() error) error {
	for {
		err := call()
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

func lockFile(f *os.File) error {
	err := onDescriptor(f, func(fd int) error {
		return ignoringInterrupts(func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	})
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

func diskUsage(dir string) (Usage, error) {
	var s unix.Statfs_t
	if err := ignoringInterrupts(func() error { return unix.Statfs(dir, &s) }); err != nil {
		return Usage{}, err
	}
	block := uint64(s.Bsize)
	//nolint:unconvert // signed on some systems
	return Usage{TotalBytes: s.Blocks * block, FreeBytes: uint64(s.Bavail) * block}, nil
}
