package metrics

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// memory reads the sizes of this process in bytes from /proc; false where they
// cannot be read.
func memory() (virtual, resident float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, false
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, 0, false
	}
	pages := func(i int) float64 {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		ok = ok && err == nil
		return float64(n) * float64(os.Getpagesize())
	}
	ok = true
	return pages(0), pages(1), ok
}

// descriptors are how many files this process has open, and may have.
func descriptors() (open, most float64, ok bool) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, 0, false
	}
	names, err := dir.Readdirnames(-1)
	if closed := dir.Close(); err != nil || closed != nil {
		return 0, 0, false
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, 0, false
	}
	return float64(len(names) - 1), float64(limit.Cur), true // without the directory itself
}

// processorSeconds is what this process has used of all processors.
func processorSeconds() (seconds float64, ok bool) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, false
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / nanoseconds, true
}
