//go:build linux

// Package mount shows a disk to processes, through FUSE. It is a thin shell: each
// request of the kernel becomes one call of package disk. The kernel writes through
// and caches what it reads, so that what a process has written is known here at once,
// synced or not, and survives the process.
//
// The library starts the goroutines, one a request under way.
package mount
