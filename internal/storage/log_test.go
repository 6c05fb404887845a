package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

func TestAppendedRecordsAreReadBackAcrossSegments(t *testing.T) {
	b := newBench(t, vfs.NewMem(), smallSegments())
	var want []string
	for i := range 100 {
		a := b.append(3)
		if a.BaseOffset != model.Offset(3*i) || a.EndOffset != a.BaseOffset+3 {
			t.Fatalf("append %d went to [%d, %d)", i, a.BaseOffset, a.EndOffset)
		}
		for j := range 3 {
			want = append(want, fmt.Sprintf("%d=v-%d", 3*i+j, j))
		}
	}
	if n := len(b.log.segments); n < 5 {
		t.Fatalf("%d segments, want several", n)
	}
	same(t, b.all(), want)
	for _, clean := range []bool{true, false} {
		b = b.reopen(clean)
		same(t, b.all(), want)
		if b.found.BytesCut != 0 || b.found.IndexesRebuilt != 0 {
			t.Errorf("after Close recovery found %+v", b.found)
		}
	}
}

func same(t tester, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d\n got %v\nwant %v", len(got), len(want), got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("record %d is %s, want %s", i, got[i], want[i])
		}
	}
}

func TestRecordsAreDurableAfterTheRoundThatSyncsThem(t *testing.T) {
	m := vfs.NewMem()
	b := newBench(t, m, smallSegments())
	b.append(1)
	if b.durable != 0 || b.log.DurableEnd() != 0 {
		t.Fatal("durable before a sync")
	}
	for range 30 {
		b.append(1)
	}
	b.sync()
	if b.durable != 31 {
		t.Fatalf("durable up to %d, want 31", b.durable)
	}
	b.append(1) // not synced: lost
	after, err := tryBench(t, m.Crash(), smallSegments(), false)
	b.must(err)
	if got := after.log.EndOffset(); got != 31 {
		t.Fatalf("log ends at %d after the crash, want 31", got)
	}
	after.all()
}

func TestReadIsBoundedByToAndByBytes(t *testing.T) {
	b := newBench(t, vfs.NewMem(), smallSegments())
	for range 20 {
		b.append(2)
	}
	r, err := b.log.Read(Read{From: 5, To: 11, MaxBytes: 1 << 20})
	b.must(err)
	if got := recordsFrom(t, r.Batches, 0); got[0] != "4=v-0" || len(got) != 6 || r.NextOffset != 10 {
		t.Errorf("read [5, 11): %v, next %d", got, r.NextOffset)
	}
	if r, err = b.log.Read(Read{From: 5, To: 40, MaxBytes: 10}); err != nil || len(r.Batches) != 0 || r.NextOffset != 5 {
		t.Errorf("10 bytes: %d bytes, next %d, %v", len(r.Batches), r.NextOffset, err)
	}
	if r, err = b.log.Read(Read{From: 5, To: 40, MaxBytes: 10, MinOneBatch: true}); err != nil || len(recordsFrom(t, r.Batches, 0)) != 2 {
		t.Errorf("at least one: %d bytes, %v", len(r.Batches), err)
	}
	if r, err = b.log.Read(Read{From: 40, To: 40, MaxBytes: 10, MinOneBatch: true}); err != nil || len(r.Batches) != 0 {
		t.Errorf("at the end: %d bytes, %v", len(r.Batches), err)
	}
	if _, err = b.log.Read(Read{From: 41, To: 50, MaxBytes: 10}); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("beyond the end: %v", err)
	}
	buf := make([]byte, 4096)
	if r, err = b.log.Read(Read{From: 0, To: 40, MaxBytes: 4096, Buffer: buf}); err != nil || &r.Batches[0] != &buf[0] {
		t.Errorf("the buffer was not used: %v", err)
	}
}

// Goal: several committers leave nothing unsynced and overtake each other at no
// log. Method: more logs than committers, each appended to and flushed by
// goroutines that get in each other's way; Durable must grow at every log.
func TestCommittersTakeALogEach(t *testing.T) {
	fs := vfs.NewMem()
	disk := NewDisk(DiskOptions{FS: fs, Dir: testDir, Logger: quiet()})
	var logs []*Log
	for i := range 3 * syncsAtOnce {
		tp := model.TopicPartition{Topic: "orders", Partition: model.Partition(i)}
		dir := testDir + "/" + tp.String()
		if err := fs.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
		var told atomic.Int64
		l, _, err := Open(Options{FS: fs, Disk: disk, Dir: dir, TopicPartition: tp, Config: smallSegments(), Durable: func(end model.Offset) {
			for range 100 { // so that another call for this log, if there were one, would be first
				runtime.Gosched()
			}
			if before := told.Swap(int64(end)); before >= int64(end) {
				t.Errorf("%s: durable up to %d after %d", tp, end, before)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- disk.Run(ctx) }()
	const appends = 50
	var appending sync.WaitGroup
	for _, l := range logs {
		for range 2 {
			appending.Go(func() {
				for range appends {
					if _, err := l.Append(values(1, "v"), Append{Now: testNow}); err != nil {
						t.Error(err)
					}
					if err := l.Flush(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	appending.Wait()
	for _, l := range logs {
		if got := l.SyncedEnd(); got != 2*appends {
			t.Errorf("%s: synced up to %d, want %d", l.tp, got, 2*appends)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
