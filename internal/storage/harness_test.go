package storage

import (
	"fmt"
	"log/slog"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

const testDir = "data"

var testPartition = model.TopicPartition{Topic: "orders", Partition: 0}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// bench is a data directory with one log, driven by hand: nothing is synced
// but by sync, so that a test decides what is durable.
type bench struct {
	t       tester
	fs      vfs.FS
	disk    *Disk
	log     *Log
	found   Recovered
	durable model.Offset // as told to Options.Durable
}

func smallSegments() Config {
	return Config{SegmentBytes: 1 << 10, IndexIntervalBytes: 100, IndexBytes: 1 << 10, RetentionBytes: -1, RetentionAge: -1, Delete: true}
}

func newBench(t tester, fs vfs.FS, c Config) *bench {
	t.Helper()
	b, err := tryBench(t, fs, c, false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tryBench(t tester, fs vfs.FS, c Config, clean bool) (*bench, error) {
	t.Helper()
	if err := fs.MkdirAll(testDir); err != nil {
		return nil, err
	}
	if err := fs.SyncDir("."); err != nil {
		return nil, err
	}
	b := &bench{t: t, fs: fs}
	b.disk = NewDisk(DiskOptions{FS: fs, Dir: testDir, Logger: quiet()})
	var err error
	b.log, b.found, err = Open(Options{
		FS: fs, Disk: b.disk, Dir: testDir + "/" + testPartition.String(), TopicPartition: testPartition,
		Config: c, Logger: quiet(), CleanShutdown: clean,
		Durable: func(end model.Offset) { b.durable = max(b.durable, end) },
	})
	if err == nil {
		b.durable = b.log.DurableEnd()
	}
	return b, err
}

// sync commits what waits for it.
func (b *bench) sync() {
	b.disk.commit.drain((*Log).commit)
	b.disk.report.drain((*Log).reportDurable)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// append adds n records of a producer without an id, as a client sends them.
func (b *bench) append(n int) Appended {
	b.t.Helper()
	a, err := b.log.Append(values(n, "v"), Append{LeaderEpoch: 0, Now: testNow})
	b.must(err)
	return a
}

const testNow = model.Timestamp(1_700_000_000_000)

// values is a batch of n records.
func values(n int, prefix string) []byte {
	bl := record.NewBuilder(record.BuildOptions{})
	for i := range n {
		bl.Append(testNow+model.Timestamp(i), fmt.Appendf(nil, "k%d", i), fmt.Appendf(nil, "%s-%d", prefix, i))
	}
	return bl.Build()
}

// produced is a batch of n records of an idempotent producer.
func produced(id model.ProducerID, epoch model.ProducerEpoch, seq model.Sequence, n int) []byte {
	bl := record.NewBuilder(record.BuildOptions{Producer: &record.Producer{ID: id, Epoch: epoch, BaseSequence: seq}})
	for i := range n {
		bl.Append(testNow, nil, fmt.Appendf(nil, "p%d-%d", id, int(seq)+i))
	}
	return bl.Build()
}

// all reads the log from its start to its end and returns each record as
// "offset=value".
func (b *bench) all() []string {
	b.t.Helper()
	var out []string
	from := b.log.StartOffset()
	for from < b.log.EndOffset() {
		r, err := b.log.Read(Read{From: from, To: b.log.EndOffset(), MaxBytes: 300, MinOneBatch: true})
		b.must(err)
		if len(r.Batches) == 0 {
			b.t.Fatalf("nothing at %d, log ends at %d", from, b.log.EndOffset())
		}
		out = append(out, recordsFrom(b.t, r.Batches, from)...)
		from = r.NextOffset
	}
	return out
}

func recordsFrom(t tester, batches []byte, from model.Offset) []string {
	t.Helper()
	var out []string
	for len(batches) > 0 {
		b, rest, err := record.Split(batches)
		if err == nil {
			err = b.CheckCRC()
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.Records(record.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			rec, more, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			if rec.Offset >= from && !b.Attributes().Control() {
				out = append(out, fmt.Sprintf("%d=%s", rec.Offset, rec.Value))
			}
		}
		batches = rest
	}
	return out
}

// reopen closes the log in order and opens it again.
func (b *bench) reopen(clean bool) *bench {
	b.t.Helper()
	c := *b.log.config()
	b.must(b.log.Close())
	b.must(b.disk.Checkpoint())
	next, err := tryBench(b.t, b.fs, c, clean)
	b.must(err)
	return next
}
