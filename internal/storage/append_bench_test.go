package storage

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// BenchmarkAppendFlush is a lone producer with acks=-1, as the disk sees it: a
// batch is appended, and synced by the group commit, before the next comes.
func BenchmarkAppendFlush(b *testing.B) {
	for _, bytes := range []int{1 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dK", bytes>>10), func(b *testing.B) { benchmarkAppendFlush(b, bytes) })
	}
}

func benchmarkAppendFlush(b *testing.B, bytes int) {
	dir := b.TempDir()
	disk := NewDisk(DiskOptions{FS: vfs.OS(), Dir: dir, Logger: quiet()})
	ctx, stop := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- disk.Run(ctx) }()
	defer func() {
		stop()
		<-ran
	}()
	l, _, err := Open(Options{FS: vfs.OS(), Disk: disk, Dir: filepath.Join(dir, testPartition.String()),
		TopicPartition: testPartition, Logger: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	bl := record.NewBuilder(record.BuildOptions{})
	bl.Append(testNow, nil, make([]byte, bytes-100))
	batch := bl.Build()
	took := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.SetBytes(int64(len(batch)))
	b.ResetTimer()
	for range b.N {
		batch.SetBaseOffset(0) // as a client sends it; Append numbers in place
		began := time.Now()
		if _, err := l.Append(batch, Append{Now: testNow}); err != nil {
			b.Fatal(err)
		}
		if err := l.Flush(ctx); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
