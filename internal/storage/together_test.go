package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// many are logs of one disk that runs.
type many struct {
	disk *Disk
	logs []*Log
	stop func() // returns when the disk has ended
}

func newMany(t testing.TB, fs vfs.FS, dir string, n int) *many {
	t.Helper()
	if err := fs.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	m := &many{disk: NewDisk(DiskOptions{FS: fs, Dir: dir, Logger: quiet()})}
	for i := range n {
		tp := model.TopicPartition{Topic: "t", Partition: model.Partition(i)}
		l, _, err := Open(Options{FS: fs, Disk: m.disk, Dir: filepath.Join(dir, tp.String()), TopicPartition: tp, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		m.logs = append(m.logs, l)
	}
	return m
}

func (m *many) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.disk.Run(ctx) }()
	m.stop = func() {
		cancel()
		<-ended
	}
}

// appendAll appends a batch to each log.
func (m *many) appendAll(t testing.TB) {
	t.Helper()
	for _, l := range m.logs {
		if _, err := l.Append(values(2, "v"), Append{Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
}

// Logs that wait in great number share a sync; what it has made durable survives a loss
// of power, names of files included.
func TestManyLogsAreSyncedTogether(t *testing.T) {
	mem := vfs.NewMem()
	var shared, alone atomic.Int32
	fs := vfs.NewFaulty(mem, func(op vfs.Op) error {
		switch op.Kind {
		case vfs.OpSyncVolume:
			shared.Add(1)
		case vfs.OpSyncData:
			alone.Add(1)
		default:
		}
		return nil
	})
	const logs = 4 * togetherMin
	m := newMany(t, fs, testDir, logs)
	if err := fs.SyncDir("."); err != nil {
		t.Fatal(err)
	}
	m.appendAll(t)
	m.run()
	for _, l := range m.logs {
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m.stop()
	if shared.Load() == 0 || alone.Load() > logs-togetherMin {
		t.Errorf("%d logs had %d syncs of their own and %d shared ones", logs, alone.Load(), shared.Load())
	}
	after := newMany(t, mem.Crash(), testDir, logs)
	for i, l := range after.logs {
		if l.EndOffset() != 2 {
			t.Errorf("log %d ends at %d after a loss of power", i, l.EndOffset())
		}
	}
}

// A shared sync that fails is as final as one of a log's own, and nothing counts as
// durable by it.
func TestASharedSyncThatFailsIsFinal(t *testing.T) {
	fs := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpSyncVolume {
			return syscall.EIO
		}
		return nil
	})
	m := newMany(t, fs, testDir, 2*togetherMin)
	m.appendAll(t)
	m.run()
	<-m.disk.fenced
	m.stop()
	if err := m.disk.Err(); !errors.Is(err, ErrFenced) || !errors.Is(err, syscall.EIO) {
		t.Errorf("the disk says %v", err)
	}
	durable := 0
	for _, l := range m.logs {
		if l.DurableEnd() > 0 {
			durable++
		}
	}
	if durable > togetherMin+syncsAtOnce { // those that had been synced before by themselves
		t.Errorf("%d logs count as durable", durable)
	}
}

// Others' writes are not waited for again and again.
func TestASharedSyncThatIsSlowIsNotTriedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared atomic.Int32
		var gate atomic.Pointer[chan struct{}] // what syncs of single logs wait for
		fs := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
			switch op.Kind {
			case vfs.OpSyncVolume:
				if shared.Add(1) == 1 {
					<-time.After(togetherMax + 1)
				}
			case vfs.OpSyncData:
				if g := gate.Load(); g != nil {
					<-*g
				}
			default:
			}
			return nil
		})
		m := newMany(t, fs, testDir, 4*togetherMin)
		m.run()
		defer m.stop()
		// wave has all logs wait at a time, and returns how many syncs they shared.
		wave := func() int32 {
			before, closed := shared.Load(), make(chan struct{})
			gate.Store(&closed)
			m.appendAll(t)
			synctest.Wait() // committers have a log each, and the others wait
			gate.Store(nil)
			close(closed)
			for _, l := range m.logs {
				if err := l.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return shared.Load() - before
		}
		if n := wave(); n == 0 {
			t.Error("no sync was shared")
		}
		if n := wave(); n > 0 {
			t.Errorf("%d syncs were shared after one was slow", n)
		}
		<-time.After(togetherPause)
		if n := wave(); n == 0 {
			t.Error("no sync is shared later")
		}
	})
}

// A log that is cut or closed while many wait holds up none of them.
func TestALogThatIsBusyIsSyncedAfterTheOthers(t *testing.T) {
	m := newMany(t, vfs.NewMem(), testDir, 2*togetherMin)
	m.appendAll(t)
	busy := m.logs[5]
	busy.syncing.Lock()
	var others sync.WaitGroup
	m.run()
	for _, l := range m.logs {
		if l != busy {
			others.Go(func() {
				if err := l.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	others.Wait()
	busy.syncing.Unlock()
	if err := busy.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	m.stop()
}

// BenchmarkAppendToMany is a lone producer for each of many logs, as the disk sees it.
func BenchmarkAppendToMany(b *testing.B) {
	for _, logs := range []int{12, 50, 200, 1000} {
		for _, together := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/together=%t", logs, together), func(b *testing.B) { benchmarkAppendToMany(b, logs, together) })
		}
	}
}

func benchmarkAppendToMany(b *testing.B, logs int, together bool) {
	fs := vfs.OS()
	if !together {
		fs = withoutVolume{fs}
	}
	m := newMany(b, fs, b.TempDir(), logs)
	m.run()
	took := make([][]time.Duration, logs)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var producers sync.WaitGroup
	for i, l := range m.logs {
		producers.Go(func() {
			bl := record.NewBuilder(record.BuildOptions{})
			bl.Append(testNow, nil, make([]byte, 256))
			batch := bl.Build()
			for left.Add(-1) >= 0 {
				batch.SetBaseOffset(0) // as a client sends it; Append numbers in place
				began := time.Now()
				if _, err := l.Append(batch, Append{Now: testNow}); err != nil {
					b.Error(err)
					return
				}
				if err := l.Flush(b.Context()); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	producers.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	for _, l := range m.logs {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	}
	m.stop()
}

// withoutVolume is a file system of which each file is synced by itself.
type withoutVolume struct{ vfs.FS }

func (withoutVolume) Volume(string) (vfs.Volume, error) { return nil, errors.ErrUnsupported }
