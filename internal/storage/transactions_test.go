package storage

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// decided is a transaction that has ended.
type decided struct {
	producer    model.ProducerID
	first, last model.Offset // last is that of its marker
	aborted     bool
}

// txnWorld drives a log with transactions, and remembers them.
type txnWorld struct {
	t     *rapid.T
	mem   *vfs.Mem
	b     *bench
	next  map[model.ProducerID]model.Sequence
	open  map[model.ProducerID]model.Offset
	ended []decided
}

func txnConfig() Config {
	c := smallSegments()
	c.SegmentBytes, c.ProducerIDExpiration = 600, 1<<62
	return c
}

func (w *txnWorld) write(t *rapid.T) {
	w.t = t
	id := model.ProducerID(rapid.IntRange(1, 3).Draw(t, "producer"))
	p := &record.Producer{ID: id, BaseSequence: w.next[id]}
	a, err := w.b.log.Append(keyed(p, true, "k", "v", "k", "w"), Append{Now: testNow})
	w.b.must(err)
	w.next[id] += 2
	if _, ok := w.open[id]; !ok {
		w.open[id] = a.BaseOffset
	}
}

func (w *txnWorld) end(t *rapid.T) {
	w.t = t
	id := model.ProducerID(rapid.IntRange(1, 3).Draw(t, "producer"))
	kind := rapid.SampledFrom([]record.ControlType{record.ControlAbort, record.ControlCommit}).Draw(t, "end")
	m := record.ControlBatch(record.Marker{Type: kind, Timestamp: testNow, ProducerID: id})
	a, err := w.b.log.Append(m, Append{Now: testNow, Origin: FromCoordinator})
	w.b.must(err)
	if first, ok := w.open[id]; ok {
		w.ended = append(w.ended, decided{id, first, a.BaseOffset, kind == record.ControlAbort})
		delete(w.open, id)
	}
}

// restart opens the log anew, after a close in order or after a crash that took
// nothing that was synced.
func (w *txnWorld) restart(t *rapid.T) {
	w.t = t
	w.b.sync()
	clean := rapid.Bool().Draw(t, "clean")
	if clean {
		w.b.must(w.b.log.Close())
		w.b.must(w.b.disk.Checkpoint())
	} else {
		if rapid.Bool().Draw(t, "checkpoint") {
			w.b.must(w.b.disk.Checkpoint())
		}
		w.mem = w.mem.Crash()
	}
	b, err := tryBench(t, w.mem, txnConfig(), clean)
	w.b.must(err)
	w.b = b
}

func (w *txnWorld) check(t *rapid.T) {
	w.t = t
	end := w.b.log.EndOffset()
	unstable, has := end, false
	for _, first := range w.open {
		unstable, has = min(unstable, first), true
	}
	if got, ok := w.b.log.FirstUnstableOffset(); ok != has || ok && got != unstable {
		t.Fatalf("first unstable offset %d (%t), want %d (%t)", got, ok, unstable, has)
	}
	w.checkAborted(0, end)
	from := model.Offset(rapid.Int64Range(0, int64(end)).Draw(t, "from"))
	w.checkAborted(from, model.Offset(rapid.Int64Range(int64(from), int64(end)).Draw(t, "to")))
}

// checkAborted: whoever reads [from, to) is told of every aborted transaction
// with records in it, and of none that is open or was committed.
func (w *txnWorld) checkAborted(from, to model.Offset) {
	got, err := w.b.log.AbortedTransactions(from, to)
	w.b.must(err)
	for _, d := range w.ended {
		told := slices.Contains(got, Aborted{d.producer, d.first})
		overlaps := d.aborted && d.first < to && d.last >= from
		if overlaps && !told || told && !d.aborted {
			w.t.Fatalf("[%d, %d): told of %v; of producer %d's [%d, %d], aborted %t: %t",
				from, to, got, d.producer, d.first, d.last, d.aborted, told)
		}
	}
	for i, a := range got {
		if slices.Contains(got[:i], a) {
			w.t.Fatalf("[%d, %d): told twice of %v", from, to, a)
		}
		if !slices.ContainsFunc(w.ended, func(d decided) bool { return d.producer == a.ProducerID && d.first == a.FirstOffset }) {
			w.t.Fatalf("[%d, %d): told of %v, which there was not", from, to, a)
		}
	}
}

// Goal: what a read_committed consumer goes by survives restarts and crashes.
// Method: random transactions over small segments, compared with what is
// remembered of them after each step.
func TestTransactionsAreKnownAfterEveryRestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &txnWorld{t: t, mem: vfs.NewMem(), next: map[model.ProducerID]model.Sequence{}, open: map[model.ProducerID]model.Offset{}}
		w.b = newBench(t, w.mem, txnConfig())
		t.Repeat(map[string]func(*rapid.T){"write": w.write, "write2": w.write, "end": w.end, "restart": w.restart, "": w.check})
	})
}

// The last stable offset waits for the high watermark to pass the marker: a
// transaction whose decision may still be lost is not decided.
func TestLastStableOffsetWaitsForTheMarkerToBeCommitted(t *testing.T) {
	b := newBench(t, vfs.NewMem(), txnConfig())
	stable := func(highWatermark, want model.Offset) {
		t.Helper()
		if got := b.log.LastStableOffset(highWatermark); got != want {
			t.Errorf("with a high watermark of %d the last stable offset is %d, want %d", highWatermark, got, want)
		}
	}
	b.append(3) // [0, 3)
	_, err := b.log.Append(keyed(&record.Producer{ID: 1}, true, "k", "v"), Append{Now: testNow})
	b.must(err)                                  // 3
	b.append(2)                                  // [4, 6)
	stable(6, 3)                                 // it is open
	stable(2, 2)                                 // and above the high watermark
	b.must(appendMarker(b, record.ControlAbort)) // 6
	b.append(1)                                  // 7
	stable(6, 3)                                 // decided, and the decision not committed
	stable(8, 8)                                 // committed
	stable(8, 8)
	got, err := b.log.AbortedTransactions(0, 8)
	b.must(err)
	if want := []Aborted{{1, 3}}; !slices.Equal(got, want) {
		t.Errorf("aborted: %v, want %v", got, want)
	}
}

func appendMarker(b *bench, kind record.ControlType) error {
	m := record.ControlBatch(record.Marker{Type: kind, Timestamp: testNow, ProducerID: 1})
	_, err := b.log.Append(m, Append{Now: testNow, Origin: FromCoordinator})
	return err
}

// Whoever could write markers could decide other producers' transactions.
func TestControlBatchesOfClientsAreRefused(t *testing.T) {
	b := newBench(t, vfs.NewMem(), txnConfig())
	for _, kind := range []record.ControlType{record.ControlAbort, record.ControlCommit} {
		m := record.ControlBatch(record.Marker{Type: kind, Timestamp: testNow, ProducerID: 1})
		_, err := b.log.Append(m, Append{Now: testNow})
		if _, ok := errors.AsType[*record.InvalidRecordError](err); !ok || b.log.EndOffset() != 0 {
			t.Errorf("%s: %v, and the log ends at %d", kind, err, b.log.EndOffset())
		}
	}
}
