package vfs

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// syncWay is a way to have the blocks that a write goes to.
type syncWay struct {
	name  string
	ready func(f File, size int64) error // before the clock runs
	ahead int64                          // zeros written ahead of the end, in pieces of this size
}

var syncWays = []syncWay{
	{name: "append", ready: func(File, int64) error { return nil }},
	{name: "preallocated", ready: func(f File, size int64) error { return f.Preallocate(0, size) }},
	{name: "ahead64K", ready: func(File, int64) error { return nil }, ahead: 64 << 10},
	{name: "ahead256K", ready: func(File, int64) error { return nil }, ahead: 256 << 10},
	{name: "ahead1M", ready: func(File, int64) error { return nil }, ahead: 1 << 20},
	{name: "zeroed", ready: func(f File, size int64) error { return fill(f, size, 0) }},
	{name: "recycled", ready: func(f File, size int64) error { return fill(f, size, 0xa5) }},
}

// fill writes a file full of a byte.
func fill(f File, size int64, with byte) error {
	piece := make([]byte, 256<<10)
	for i := range piece {
		piece[i] = with
	}
	for at := int64(0); at < size; at += int64(len(piece)) {
		if _, err := f.WriteAt(piece, at); err != nil {
			return err
		}
	}
	return f.Sync()
}

// BenchmarkSync compares what WriteAt and SyncData cost together, by what the
// file has where the write goes (docs/adr/0008). The ways take turns within one
// run, so that whatever else the disk does befalls all of them alike. "ahead"
// includes the writing of the zeros.
func BenchmarkSync(b *testing.B) {
	for _, bytes := range []int64{4 << 10, 32 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("%dK", bytes>>10), func(b *testing.B) {
			benchmarkSync(b, bytes)
		})
	}
}

func benchmarkSync(b *testing.B, bytes int64) {
	dir := b.TempDir()
	took := make([][]time.Duration, len(syncWays))
	files := make([]File, len(syncWays))
	for i, w := range syncWays {
		f, err := OS().Create(filepath.Join(dir, w.name))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = f.Close() })
		if err := w.ready(f, bytes*int64(b.N)); err != nil {
			b.Fatal(err)
		}
		files[i] = f
	}
	if err := OS().SyncDir(dir); err != nil {
		b.Fatal(err)
	}
	data, zeros := make([]byte, bytes), make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i) | 1
	}
	filled := make([]int64, len(syncWays))
	b.ReportAllocs()
	b.SetBytes(bytes * int64(len(syncWays)))
	b.ResetTimer()
	for n := range int64(b.N) {
		for i, w := range syncWays {
			began := time.Now()
			end := (n + 1) * bytes
			_, err := files[i].WriteAt(data, n*bytes)
			if err == nil && w.ahead > 0 && end > filled[i] {
				_, err = files[i].WriteAt(zeros[:w.ahead], end)
				filled[i] = end + w.ahead
			}
			if err == nil {
				err = files[i].SyncData()
			}
			if err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	b.StopTimer()
	for i, w := range syncWays {
		var sum time.Duration
		for _, d := range took[i] {
			sum += d
		}
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), w.name+"-p50-µs")
		b.ReportMetric(float64(sum.Microseconds())/float64(b.N), w.name+"-mean-µs")
	}
}
