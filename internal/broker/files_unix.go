//go:build unix

package broker

import "syscall"

// filesMax is how many files this process may have open; 0: nobody says. Go's runtime has
// raised the limit as far as this process may (the hard limit) when it started.
func filesMax() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Cur
}
