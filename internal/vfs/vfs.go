// Package vfs is the seam to the file system: the operating system's, one in
// memory that can lose what was not synced, and one that injects faults. It
// starts no goroutine and imports nothing of the project.
package vfs

import (
	"io"
	"time"
)

// FS is a file system as chronik uses it. Methods may be called concurrently.
// A name created, renamed or removed survives a power loss only after SyncDir
// of the directory that holds it; errors satisfy errors.Is(err, fs.ErrNotExist)
// and the like where that fits.
type FS interface {
	// Create makes or truncates a file for reading and writing.
	Create(name string) (File, error)
	// Open opens an existing file for reading only.
	Open(name string) (File, error)
	// OpenReadWrite opens a file for reading and writing, and creates it empty
	// where it does not exist.
	OpenReadWrite(name string) (File, error)
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// RemoveAll removes a tree; one that does not exist is no error.
	RemoveAll(name string) error
	// Rename replaces newName atomically. Directories too.
	Rename(oldName, newName string) error
	// MkdirAll makes a directory and its parents.
	MkdirAll(dir string) error
	// ReadDir lists a directory in the order of the names.
	ReadDir(dir string) ([]Info, error)
	// Stat describes a file or directory.
	Stat(name string) (Info, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock on a file, which it creates; it does not
	// wait: a lock that another process holds is ErrLocked.
	Lock(name string) (io.Closer, error)
	// Volume opens the file system that dir is on, to sync it as a whole. It is
	// errors.ErrUnsupported where that is not certain to make everything durable.
	Volume(dir string) (Volume, error)
	// Usage tells how large the disk below dir is, and how much of it is free
	// to this process.
	Usage(dir string) (Usage, error)
}

// File is an open file. ReadAt and ReadCached may be called concurrently with everything but
// Close; the others need one caller at a time.
type File interface {
	io.ReaderAt
	// ReadCached reads from off on what is in memory, and returns how much that was; it
	// may be nothing where only some of p is there. The disk is not asked for anything:
	// what is missing is for ReadAt to read, or to fail with.
	ReadCached(p []byte, off int64) int
	// NoReadAhead has the system read what is asked for from now on, and no more.
	NoReadAhead()
	// Forget gives up what the system has in memory of [off, off+length), save what is not
	// on the disk yet. It is a hint.
	Forget(off, length int64)
	io.WriterAt
	io.Closer
	// Size is the length in bytes.
	Size() (int64, error)
	// Truncate sets the length; what is added reads as zeros.
	Truncate(size int64) error
	// SyncData makes the content durable, and the length where it has grown
	// (fdatasync). After an error the content is undefined: never try again.
	SyncData() error
	// Sync makes content and attributes durable (fsync). As SyncData for errors.
	Sync() error
	// Preallocate reserves disk space for [offset, offset+length) without
	// changing the length of the file.
	Preallocate(offset, length int64) error
}

// Volume is a file system that is synced as a whole.
type Volume interface {
	io.Closer
	// Sync makes everything durable that was written to the file system before, by
	// whomever: contents, lengths and names (syncfs). It reports what has failed to be
	// written since the Volume was opened. As File.SyncData for errors.
	Sync() error
}

// Info describes a file or directory.
type Info struct {
	Name    string // base name
	Size    int64  // bytes; 0 for a directory
	ModTime time.Time
	IsDir   bool
}

// Usage is the size of a disk and what is free of it, in bytes.
type Usage struct {
	TotalBytes, FreeBytes uint64
}
