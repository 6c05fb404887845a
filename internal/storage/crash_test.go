package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// written is a record as the test remembers it.
type written struct {
	value    string
	epoch    model.LeaderEpoch
	producer model.ProducerID
	sequence model.Sequence
}

// world drives a log with random operations, remembers what it should hold,
// and looks at every few file operations what a power loss there would leave.
type world struct {
	t   *rapid.T
	rng *rand.Rand
	mem *vfs.Mem
	b   *bench

	records       map[model.Offset]written
	start, end    model.Offset // after the operation under way
	startBefore   model.Offset // before it
	durable       model.Offset // what the log said is durable
	epoch         model.LeaderEpoch
	sequences     map[model.ProducerID]model.Sequence
	startingOver  bool // the operation under way gives up everything
	checking      bool
	crashesLooked int
	crashOneIn    int
	zerosAhead    int // how often the file was found longer than its batches
	config        Config
}

func newWorld(t *rapid.T, crashOneIn int) *world {
	w := &world{t: t, mem: vfs.NewMem(), crashOneIn: crashOneIn, records: map[model.Offset]written{},
		sequences: map[model.ProducerID]model.Sequence{}}
	w.rng = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	w.config = smallSegments()
	w.config.SegmentBytes = rapid.SampledFrom([]int64{700, 12 << 10}).Draw(t, "segment bytes")
	w.config.ProducerIDExpiration = 1 << 62 // by the wall clock, where the test has its own
	w.open(w.mem, false)
	return w
}

func (w *world) open(mem *vfs.Mem, clean bool) {
	w.mem = mem
	fs := vfs.NewFaulty(mem, func(op vfs.Op) error {
		if op.Kind.Changes() && w.crashOneIn > 0 && w.rng.IntN(w.crashOneIn) == 0 {
			w.lookAfterCrash(op)
		}
		return nil
	})
	b, err := tryBench(w.t, fs, w.config, clean)
	w.must(err)
	b.disk.uncheckedBytesMax = 500
	w.b = b
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) durableNow() model.Offset {
	if w.b == nil {
		return w.durable
	}
	return max(w.durable, w.b.durable)
}

// lookAfterCrash recovers from a crash at this moment, to the side.
func (w *world) lookAfterCrash(op vfs.Op) {
	if w.checking {
		return
	}
	w.checking = true
	defer func() { w.checking = false }()
	w.crashesLooked++
	clone := w.mem.CrashClone(w.rng, w.unkindness())
	b, err := tryBench(w.t, clone, w.config, false)
	if err != nil {
		w.t.Fatalf("recover after a crash before %s %s: %v", op.Kind, op.Name, err)
	}
	w.check(b, fmt.Sprintf("after a crash before %s %s", op.Kind, op.Name))
}

func (w *world) unkindness() vfs.CrashOptions {
	choices := []float64{0, 0.3, 1}
	return vfs.CrashOptions{NameLoss: choices[w.rng.IntN(3)], DataLoss: choices[w.rng.IntN(3)]}
}

// check compares a recovered log with what is remembered.
func (w *world) check(b *bench, when string) {
	start, end := b.log.StartOffset(), b.log.EndOffset()
	if w.startingOver && len(b.all()) == 0 {
		return
	}
	if !w.startingOver && end < w.durableNow() {
		w.t.Fatalf("%s: log ends at %d, durable was %d", when, end, w.durableNow())
	}
	if end > w.end {
		w.t.Fatalf("%s: log ends at %d, never had more than %d", when, end, w.end)
	}
	if !w.startingOver && (start > w.start || start < w.startBefore) {
		w.t.Fatalf("%s: log starts at %d, want one of [%d, %d]", when, start, w.startBefore, w.start)
	}
	next := start
	for _, got := range b.all() {
		want := fmt.Sprintf("%d=%s", next, w.records[next].value)
		if got != want {
			w.t.Fatalf("%s: found %s, want %s", when, got, want)
		}
		if epoch, ok := b.log.EpochAt(next); !ok || epoch != w.records[next].epoch {
			w.t.Fatalf("%s: offset %d has epoch %d (%t), want %d", when, next, epoch, ok, w.records[next].epoch)
		}
		next++
	}
	if next != end && end > start {
		w.t.Fatalf("%s: records up to %d, log ends at %d", when, next, end)
	}
	if start < end && !w.startingOver { // a log that began anew knows no producers
		w.checkProducers(b, end, when)
	}
}

// checkProducers: each producer's last sequence is that of its last record, and
// its last batch is known for a duplicate.
func (w *world) checkProducers(b *bench, end model.Offset, when string) {
	want := map[model.ProducerID]model.Sequence{}
	for o := model.Offset(0); o < end; o++ {
		if r, ok := w.records[o]; ok && r.producer >= 0 {
			want[r.producer] = r.sequence
		}
	}
	got := b.log.Producers()
	if len(got) != len(want) {
		w.t.Fatalf("%s: producers %v, want %v", when, got, want)
	}
	for _, p := range got {
		if want[p.ProducerID] != p.LastSequence {
			w.t.Fatalf("%s: producer %d is at sequence %d, want %d", when, p.ProducerID, p.LastSequence, want[p.ProducerID])
		}
	}
}

// done ends an operation that changed the log as remembered.
func (w *world) done() {
	w.startBefore, w.startingOver = w.start, false
	w.durable = w.durableNow()
	if got := w.b.log.EndOffset(); got != w.end {
		w.t.Fatalf("log ends at %d, want %d", got, w.end)
	}
}

// forgetFrom drops what is remembered from an offset on.
func (w *world) forgetFrom(to model.Offset) {
	for o := to; o < w.end; o++ {
		delete(w.records, o)
	}
	w.end = to
	w.sequences = map[model.ProducerID]model.Sequence{}
	for o := model.Offset(0); o < to; o++ {
		if r, ok := w.records[o]; ok && r.producer >= 0 {
			w.sequences[r.producer] = r.sequence + 1
		}
	}
}

// actions are the random operations.
func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"append":     w.append,
		"append2":    w.append,
		"trickle":    w.trickle,
		"trickle2":   w.trickle,
		"produce":    w.produce,
		"sync":       func(*rapid.T) { w.b.sync(); w.done() },
		"epoch":      w.nextEpoch,
		"checkpoint": func(*rapid.T) { w.must(w.b.disk.Checkpoint()); w.done() },
		"settle":     func(*rapid.T) { w.must(w.b.disk.settleWaiting(context.Background())); w.done() },
		"truncate":   w.truncate,
		"advance":    w.advance,
		"retain":     w.retain,
		"restart":    w.restart,
		"crash":      w.crash,
		"startOver":  w.startOver,
		"":           func(t *rapid.T) { w.t = t; w.check(w.b, "now") },
	}
}

func (w *world) append(t *rapid.T) {
	w.t = t
	n := rapid.IntRange(1, 4).Draw(t, "records")
	prefix := fmt.Sprintf("r%d", w.end)
	for i := range n {
		w.records[w.end+model.Offset(i)] = written{fmt.Sprintf("%s-%d", prefix, i), w.epoch, -1, -1}
	}
	w.end += model.Offset(n)
	_, err := w.b.log.Append(values(n, prefix), Append{LeaderEpoch: w.epoch, Now: testNow})
	w.must(err)
	w.done()
}

// trickle appends and syncs little at a time: what has zeros written ahead.
func (w *world) trickle(t *rapid.T) {
	for range rapid.IntRange(1, aheadSyncsMin).Draw(t, "syncs") {
		w.append(t)
		w.b.sync()
		w.done()
		if w.b.log.write.ahead.filledTo > w.b.log.active().size.Load() {
			w.zerosAhead++
		}
	}
}

func (w *world) produce(t *rapid.T) {
	w.t = t
	id := model.ProducerID(rapid.IntRange(0, 2).Draw(t, "producer"))
	n := rapid.IntRange(1, 3).Draw(t, "records")
	first := w.sequences[id]
	for i := range n {
		seq := first + model.Sequence(i)
		w.records[w.end+model.Offset(i)] = written{fmt.Sprintf("p%d-%d", id, seq), w.epoch, id, seq}
	}
	base := w.end
	w.end += model.Offset(n)
	batch := produced(id, 0, first, n)
	again := append([]byte(nil), batch...)
	if _, err := w.b.log.Append(batch, Append{LeaderEpoch: w.epoch, Now: testNow}); err != nil {
		w.t.Fatal(err)
	}
	w.sequences[id] += model.Sequence(n)
	a, err := w.b.log.Append(again, Append{LeaderEpoch: w.epoch, Now: testNow})
	if err != nil || !a.Duplicate || a.BaseOffset != base {
		w.t.Fatalf("sent again: %+v, %v; want a duplicate of %d", a, err, base)
	}
	w.done()
}

func (w *world) nextEpoch(t *rapid.T) {
	w.t = t
	w.epoch++
	w.must(w.b.log.StartEpoch(w.epoch))
	w.done()
}

func (w *world) truncate(t *rapid.T) {
	w.t = t
	if w.end == w.start {
		return
	}
	to := model.Offset(rapid.Int64Range(int64(w.start), int64(w.end)).Draw(t, "to"))
	w.durable = min(w.durableNow(), w.batchStart(to))
	w.b.durable = min(w.b.durable, w.durable)
	w.startBefore = min(w.startBefore, w.batchStart(to)) // the start may lie within the batch that goes
	records := w.records                                 // what a crash may still find
	w.records = map[model.Offset]written{}
	for o, r := range records {
		w.records[o] = r
	}
	w.must(w.b.log.TruncateTo(to))
	end := w.b.log.EndOffset()
	if end > to || end < w.batchStart(to) {
		w.t.Fatalf("truncated to %d, log ends at %d", to, end)
	}
	w.forgetFrom(end)
	w.start = min(w.start, w.end)
	w.epoch++ // as after any truncation: another leader goes on
	w.done()
}

// batchStart is not known to the test; batches have at most four records.
func (w *world) batchStart(to model.Offset) model.Offset { return max(0, to-3) }

func (w *world) advance(t *rapid.T) {
	w.t = t
	if w.durableNow() <= w.start { // the start never passes the high watermark
		return
	}
	w.start = model.Offset(rapid.Int64Range(int64(w.start), int64(w.durableNow())).Draw(t, "start"))
	w.must(w.b.log.AdvanceStart(w.start))
	w.done()
}

func (w *world) retain(t *rapid.T) {
	w.t = t
	w.config.RetentionBytes = rapid.Int64Range(0, 3000).Draw(t, "bytes")
	w.b.log.SetConfig(w.config)
	w.start = max(w.start, w.durableNow()) // at most
	kept, err := w.b.log.Retain(testNow, w.durableNow())
	w.must(err)
	w.start = max(w.startBefore, kept.StartOffset)
	w.config.RetentionBytes = -1
	w.b.log.SetConfig(w.config)
	w.done()
}

func (w *world) restart(t *rapid.T) {
	w.t = t
	w.must(w.b.log.Close())
	w.must(w.b.disk.Checkpoint())
	w.durable = w.end
	clean := rapid.Bool().Draw(t, "clean")
	w.open(w.mem, clean)
	if w.b.found.BytesCut != 0 {
		w.t.Fatalf("recovery after Close cut %d bytes", w.b.found.BytesCut)
	}
	w.done()
}

// crash goes on with what a power loss leaves.
func (w *world) crash(t *rapid.T) {
	w.t = t
	w.durable = w.durableNow()
	clone := w.mem.CrashClone(w.rng, w.unkindness())
	w.b = nil
	w.open(clone, false)
	w.check(w.b, "after a crash")
	w.forgetFrom(w.b.log.EndOffset())
	w.start = w.b.log.StartOffset()
	w.durable = w.end
	w.done()
}

func (w *world) startOver(t *rapid.T) {
	w.t = t
	if rapid.IntRange(0, 3).Draw(t, "seldom") > 0 {
		return
	}
	to := w.end + model.Offset(rapid.IntRange(0, 20).Draw(t, "gap"))
	w.startingOver = true
	w.durable, w.b.durable = 0, 0
	w.startBefore = 0
	w.must(w.b.log.TruncateFullyAndStartAt(to))
	w.records, w.sequences = map[model.Offset]written{}, map[model.ProducerID]model.Sequence{}
	w.start, w.end, w.epoch = to, to, w.epoch+1
	w.durable, w.b.durable = to, to
	w.done()
}

func TestRandomOperationsLeaveTheLogAsRemembered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 0)
		t.Repeat(w.actions())
	})
}

func TestACrashAtAnyFileOperationLosesNothingDurable(t *testing.T) {
	looked, ahead := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 6)
		t.Repeat(w.actions())
		looked += w.crashesLooked
		ahead += w.zerosAhead
	})
	// With -short there are twenty runs, of which one in twenty times none comes to it.
	if looked == 0 || ahead == 0 && !testing.Short() {
		t.Errorf("%d crashes were looked at, and %d times there were zeros ahead", looked, ahead)
	}
	t.Logf("recovered from %d crashes", looked)
}
