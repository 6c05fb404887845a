package broker

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// newDisks makes a disk of each directory, in the order of directories.all: the data
// directory's is the first. The failure of any of them is the node's (ADR 6).
func (b *Broker) newDisks() {
	all := b.dirs.all()
	for _, dir := range all {
		o := storage.DiskOptions{
			FS: b.fs, Dir: dir.path, Logger: b.logger, CheckpointInterval: b.config.Storage.CheckpointInterval,
			FollowedBytes: b.config.Memory.AvailableBytes / followedShare / int64(len(all)), Failed: b.fail,
		}
		if len(b.disks) > 0 {
			o.CountWith = b.disks[0]
		}
		b.disks = append(b.disks, storage.NewDisk(o))
	}
	b.disk = b.disks[0]
}

func (b *Broker) runDisks(ctx context.Context) error {
	var g errgroup.Group
	for _, disk := range b.disks {
		g.Go(func() error { return disk.Run(ctx) })
	}
	return g.Wait()
}

// diskErr is why one of the directories is fenced; nil where none is.
func (b *Broker) diskErr() error {
	for _, disk := range b.disks {
		if err := disk.Err(); err != nil {
			return err
		}
	}
	return nil
}

// diskOf is a directory's.
func (b *Broker) diskOf(dir *directory) *storage.Disk {
	return b.disks[slices.Index(b.dirs.all(), dir)]
}

// partitionDirectories are the log directories as partition.Set has them.
func (b *Broker) partitionDirectories() []partition.Directory {
	var all []partition.Directory
	for _, dir := range b.dirs.logs {
		all = append(all, partition.Directory{Path: dir.path, Name: dir.absolute(), Disk: b.diskOf(dir), CleanShutdown: dir.clean})
	}
	return all
}

// logDirs are the log directories as DescribeLogDirs shows them.
func (b *Broker) logDirs() []api.LogDir {
	var all []api.LogDir
	for _, dir := range b.dirs.logs {
		all = append(all, api.LogDir{
			Path: dir.absolute(), Err: b.diskOf(dir).Err,
			Usage: func() (vfs.Usage, error) { return b.fs.Usage(dir.path) },
		})
	}
	return all
}

// logDirUsages are the log directories as metrics has them.
func (b *Broker) logDirUsages() []metrics.LogDir {
	var all []metrics.LogDir
	for _, dir := range b.dirs.logs {
		all = append(all, metrics.LogDir{Path: dir.absolute(), Usage: func() (vfs.Usage, error) { return b.fs.Usage(dir.path) }})
	}
	return all
}
