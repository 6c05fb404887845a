package limits

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/vfs"
)

const (
	smallBytes  = 4 << 10   // a sync that few wait for
	largeBytes  = 256 << 10 // one that many share
	appendBytes = 1 << 20   // a write that nobody syncs
	copies      = 3         // of each record, when three nodes share the disk
)

// Files is what the file system and the disk below it do, by the calls that the broker
// makes (package vfs).
type Files struct {
	AppendGBPerSecond  float64 `json:"appendGBPerSecond"`  // into the page cache
	AppendNanosPerByte float64 `json:"appendNanosPerByte"` // of processor time

	SmallAppended Syncs `json:"smallAppended"` // 4 KiB at the end of a file
	SmallOver     Syncs `json:"smallOver"`     // 4 KiB over zeros that were written before
	LargeAppended Syncs `json:"largeAppended"` // 256 KiB at the end of a file
	SmallThree    Syncs `json:"smallThree"`    // SmallAppended, in three files at once
	LargeThree    Syncs `json:"largeThree"`    // LargeAppended, in three files at once
}

// Syncs are writes, each followed by fdatasync.
type Syncs struct {
	Latency
	PerSecond   float64 `json:"perSecond"`   // in all files together
	MBPerSecond float64 `json:"mbPerSecond"` // 10⁶ bytes
}

// appends fills a file that nobody syncs, and starts again. What emptying it costs does
// not count: a log is removed long after.
func (e Effort) appends(ctx context.Context, dir string, into *Files) error {
	block := noise(appendBytes)
	var all spent
	err := withFile(dir, "append", func(f vfs.File) error {
		for all.elapsed < e.Each {
			s, err := clocked(func() (at int64, err error) {
				for at < e.FileBytes && err == nil {
					_, err = f.WriteAt(block, at)
					at += appendBytes
					err = errors.Join(err, ctx.Err())
				}
				return at, err
			})
			all.add(s)
			if err := errors.Join(err, f.Truncate(0)); err != nil {
				return err
			}
		}
		return nil
	})
	into.AppendGBPerSecond, into.AppendNanosPerByte = all.gbPerSecond(), all.nanosPerByte()
	return err
}

// syncs measures all that are followed by a sync.
func (e Effort) syncs(ctx context.Context, dir string, into *Files) error {
	for _, m := range []struct {
		into   *Syncs
		size   int
		zeroed bool
		files  int
	}{
		{&into.SmallAppended, smallBytes, false, 1},
		{&into.SmallOver, smallBytes, true, 1},
		{&into.LargeAppended, largeBytes, false, 1},
		{&into.SmallThree, smallBytes, false, copies},
		{&into.LargeThree, largeBytes, false, copies},
	} {
		writers := make([]writer, m.files)
		var g errgroup.Group
		for i := range writers {
			w := &writers[i]
			g.Go(func() error {
				return withFile(dir, fmt.Sprintf("sync-%d", i), func(f vfs.File) error {
					w.file, w.block, w.end = f, noise(m.size), e.FileBytes
					return w.run(ctx, e.Each, m.zeroed)
				})
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		*m.into = together(writers)
	}
	return nil
}

// withFile has do use a file, and removes it.
func withFile(dir, name string, do func(vfs.File) error) (err error) {
	path := filepath.Join(dir, name)
	f, err := vfs.OS().Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), vfs.OS().Remove(path)) }()
	return do(f)
}
