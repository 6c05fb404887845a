package main

import (
	"fmt"
	"syscall"
)

// ownFiles are those that a process has open besides what a scenario opens: a thousand
// partitions' logs are some thousands.
const ownFiles = 3800

// allowFiles sees to it that this process and those that it starts may have so many files
// open, and some more.
func allowFiles(n int) error {
	want := uint64(n + ownFiles)
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		return err
	}
	// Set even where this process has enough: what Go has raised for itself it takes back
	// for those that it starts.
	wanted := syscall.Rlimit{Cur: max(now.Cur, want), Max: max(now.Max, want)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &wanted); err != nil {
		return fmt.Errorf("%d open files are needed, %d are allowed; raise that with ulimit -Hn, or take less with -share: %w", want, now.Max, err)
	}
	return nil
}
