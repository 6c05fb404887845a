package storage

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

func compacted() Config {
	c := smallSegments()
	c.SegmentBytes, c.Delete, c.Compact = 600, false, true
	c.DeleteRetention = time.Hour
	c.ProducerIDExpiration = 1 << 62
	return c
}

// keyed is a batch of one record for each key given; an empty value is a tombstone.
func keyed(p *record.Producer, transactional bool, pairs ...string) []byte {
	bl := record.NewBuilder(record.BuildOptions{Producer: p, Transactional: transactional})
	for i := 0; i < len(pairs); i += 2 {
		var value []byte
		if pairs[i+1] != "" {
			value = []byte(pairs[i+1])
		}
		bl.Append(testNow, []byte(pairs[i]), value)
	}
	return bl.Build()
}

// table reads the log as a consumer with read_committed would, and returns the
// newest value of each key; tombstones remove.
func table(t tester, b *bench) map[string]string {
	t.Helper()
	out := map[string]string{}
	from, end := b.log.StartOffset(), b.log.EndOffset()
	aborted, err := b.log.AbortedTransactions(from, end)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(aborted, func(a, b Aborted) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	open := map[model.ProducerID]bool{}
	last := model.Offset(-1)
	for from < end {
		r, err := b.log.Read(Read{From: from, To: end, MaxBytes: 500, MinOneBatch: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Batches) == 0 {
			break // nothing is left behind the last batch but a gap
		}
		for rest := r.Batches; len(rest) > 0; {
			var batch record.Batch
			if batch, rest, err = record.Split(rest); err != nil {
				t.Fatal(err)
			}
			if batch.BaseOffset() <= last {
				t.Fatalf("batch at %d after %d", batch.BaseOffset(), last)
			}
			last = batch.LastOffset()
			for len(aborted) > 0 && aborted[0].FirstOffset <= last {
				open[aborted[0].ProducerID] = true
				aborted = aborted[1:]
			}
			if batch.Attributes().Control() {
				if m, ok, _ := markerOf(batch); ok && m.abort {
					delete(open, batch.ProducerID())
				}
				continue
			}
			if batch.Attributes().Transactional() && open[batch.ProducerID()] {
				continue
			}
			if err := eachRecord(batch, record.Limits{}, func(r record.Record) error {
				if r.Value == nil {
					delete(out, string(r.Key))
				} else {
					out[string(r.Key)] = string(r.Value)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		from = r.NextOffset
	}
	return out
}

func (b *bench) clean(now time.Time, mapBytes int) Cleaned {
	b.t.Helper()
	b.sync()
	done, err := b.log.Clean(CleanOptions{Now: now, EndOffset: b.log.LastStableOffset(b.log.EndOffset()), MapBytes: mapBytes})
	b.must(err)
	return done
}

func TestCleaningKeepsTheNewestRecordOfEachKey(t *testing.T) {
	b := newBench(t, vfs.NewMem(), compacted())
	for i := range 200 {
		_, err := b.log.Append(keyed(nil, false, fmt.Sprintf("k%d", i%7), fmt.Sprintf("v%d", i)), Append{Now: testNow})
		b.must(err)
	}
	want, size := table(t, b), b.log.Size()
	before, err := b.log.Cleanable(testNow, b.log.EndOffset())
	b.must(err)
	if before.Ratio != 1 {
		t.Errorf("before the first pass %+v is cleanable", before)
	}
	done := b.clean(testNow.Time(), 0)
	if got := table(t, b); !maps.Equal(got, want) {
		t.Errorf("table is %v, want %v", got, want)
	}
	if b.log.Size() > size/4 || done.RecordsKept > 7 {
		t.Errorf("%d of %d bytes are left; %+v", b.log.Size(), size, done)
	}
	after, err := b.log.Cleanable(testNow, b.log.EndOffset())
	b.must(err)
	if after.DirtyBytes != 0 {
		t.Errorf("after the pass %+v is cleanable", after)
	}
	for _, clean := range []bool{true, false} {
		b = b.reopen(clean)
		if got := table(t, b); !maps.Equal(got, want) {
			t.Errorf("reopened, table is %v, want %v", got, want)
		}
		if after, err := b.log.Cleanable(testNow, b.log.EndOffset()); err != nil || after.DirtyBytes != 0 {
			t.Errorf("reopened, %+v is cleanable, %v", after, err)
		}
	}
}

func TestTombstonesStayForDeleteRetentionAfterTheFirstPass(t *testing.T) {
	b := newBench(t, vfs.NewMem(), compacted())
	add := func(pairs ...string) {
		_, err := b.log.Append(keyed(nil, false, pairs...), Append{Now: testNow})
		b.must(err)
	}
	add("gone", "1")
	add("gone", "")
	fill := func() {
		for i := range 30 {
			add("fill", fmt.Sprint(i))
		}
	}
	tombstones := func() (n int) {
		for from := model.Offset(0); from < b.log.EndOffset(); {
			r, err := b.log.Read(Read{From: from, To: b.log.EndOffset(), MaxBytes: 1 << 20})
			b.must(err)
			for rest := r.Batches; len(rest) > 0; {
				batch, after, err := record.Split(rest)
				b.must(err)
				b.must(eachRecord(batch, record.Limits{}, func(r record.Record) error {
					if r.Value == nil {
						n++
					}
					return nil
				}))
				rest = after
			}
			from = r.NextOffset
		}
		return n
	}
	now := testNow.Time()
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Hour - time.Minute, 1}, {time.Hour + time.Minute, 0}} {
		fill()
		b.clean(now.Add(step.after), 0)
		if got := tombstones(); got != step.want {
			t.Errorf("%s after the first pass there are %d tombstones, want %d", step.after, got, step.want)
		}
	}
}

// compactWorld appends keyed records, in transactions and out of them, and
// cleans; what a reader makes of the log must never change by cleaning.
type compactWorld struct {
	t        *rapid.T
	rng      *rand.Rand
	mem      *vfs.Mem
	b        *bench
	n        int
	seq      map[model.ProducerID]model.Sequence
	open     map[model.ProducerID]bool
	now      time.Time
	want     map[string]string
	cleaning bool
	looked   int
}

func (w *compactWorld) start(mem *vfs.Mem, clean bool) {
	w.mem = mem
	fs := vfs.NewFaulty(mem, func(op vfs.Op) error {
		if w.cleaning && op.Kind.Changes() && w.rng.IntN(4) == 0 {
			w.look(op)
		}
		return nil
	})
	b, err := tryBench(w.t, fs, compacted(), clean)
	if err != nil {
		w.t.Fatal(err)
	}
	w.b = b
}

func (w *compactWorld) look(op vfs.Op) {
	w.cleaning = false
	defer func() { w.cleaning = true }()
	w.looked++
	loss := []float64{0, 0.4, 1}
	b, err := tryBench(w.t, w.mem.CrashClone(w.rng, vfs.CrashOptions{NameLoss: loss[w.rng.IntN(3)], DataLoss: loss[w.rng.IntN(3)]}), compacted(), false)
	if err != nil {
		w.t.Fatalf("recover after a crash before %s %s: %v", op.Kind, op.Name, err)
	}
	if got := table(w.t, b); !maps.Equal(got, w.want) {
		w.t.Fatalf("after a crash before %s %s: table is %v, want %v", op.Kind, op.Name, got, w.want)
	}
}

func (w *compactWorld) write(t *rapid.T) {
	w.t = t
	for range rapid.IntRange(1, 12).Draw(t, "batches") {
		id := model.ProducerID(rapid.IntRange(-1, 3).Draw(t, "producer"))
		var pairs []string
		for range rapid.IntRange(1, 3).Draw(t, "records") {
			w.n++
			value := fmt.Sprintf("v%d", w.n)
			if rapid.IntRange(0, 5).Draw(t, "tombstone") == 0 {
				value = ""
			}
			pairs = append(pairs, fmt.Sprintf("k%d", rapid.IntRange(0, 9).Draw(t, "key")), value)
		}
		var p *record.Producer
		if id >= 0 {
			p = &record.Producer{ID: id, BaseSequence: w.seq[id]}
			w.seq[id] += model.Sequence(len(pairs) / 2)
		}
		transactional := id >= 2
		w.open[id] = w.open[id] || transactional
		_, err := w.b.log.Append(keyed(p, transactional, pairs...), Append{Now: testNow})
		w.b.must(err)
	}
}

func (w *compactWorld) end(t *rapid.T) {
	w.t = t
	for _, id := range []model.ProducerID{2, 3} {
		if w.open[id] {
			kind := rapid.SampledFrom([]record.ControlType{record.ControlAbort, record.ControlCommit}).Draw(t, "end")
			m := record.ControlBatch(record.Marker{Type: kind, Timestamp: testNow, ProducerID: id})
			_, err := w.b.log.Append(m, Append{Now: testNow, Origin: FromCoordinator})
			w.b.must(err)
			w.open[id] = false
		}
	}
}

func (w *compactWorld) clean(t *rapid.T) {
	w.t = t
	w.end(t)
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute)
	w.want = table(t, w.b)
	producers := w.b.log.Producers()
	w.b.must(w.b.disk.Checkpoint())
	w.b.sync()
	w.cleaning = true
	w.b.clean(w.now, rapid.SampledFrom([]int{0, 1}).Draw(t, "map"))
	w.cleaning = false
	if got := table(t, w.b); !maps.Equal(got, w.want) {
		t.Fatalf("after cleaning table is %v, want %v", got, w.want)
	}
	if rapid.Bool().Draw(t, "restart") {
		w.b.must(w.b.log.Close())
		w.b.must(w.b.disk.Checkpoint())
		for range 2 { // the second time without producer snapshots: all from the records
			w.start(w.mem, false)
			if got := table(t, w.b); !maps.Equal(got, w.want) {
				t.Fatalf("reopened, table is %v, want %v", got, w.want)
			}
			if got := w.b.log.Producers(); !slices.EqualFunc(got, producers, sameSequence) {
				t.Fatalf("reopened, producers are %v, want %v", got, producers)
			}
			w.b.must(w.b.log.Close())
			w.b.must(w.b.disk.Checkpoint())
			w.b.must(w.b.log.dropSnapshots(func(model.Offset) bool { return true }))
		}
		w.start(w.mem, true)
	}
}

func sameSequence(a, b ProducerState) bool {
	return a.ProducerID == b.ProducerID && a.LastSequence == b.LastSequence && a.ProducerEpoch == b.ProducerEpoch && a.TxnStartOffset == b.TxnStartOffset
}

func TestCleaningDoesNotChangeWhatAReaderSeesWhateverCrashes(t *testing.T) {
	looked := 0
	rapid.Check(t, func(t *rapid.T) {
		w := &compactWorld{t: t, now: testNow.Time(), seq: map[model.ProducerID]model.Sequence{}, open: map[model.ProducerID]bool{}}
		w.rng = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		w.start(vfs.NewMem(), false)
		t.Repeat(map[string]func(*rapid.T){"write": w.write, "end": w.end, "clean": w.clean})
		looked += w.looked
	})
	if looked == 0 {
		t.Error("no crash was looked at")
	}
}
