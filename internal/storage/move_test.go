package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

const otherDir = "other"

func noPace(context.Context, int) error { return nil }

// mover is a bench, and another directory.
type mover struct {
	*bench
	other *Disk
}

func newMover(t *testing.T, fs vfs.FS, c Config) *mover {
	t.Helper()
	if err := fs.MkdirAll(otherDir); err != nil {
		t.Fatal(err)
	}
	c.ProducerIDExpiration = 1 << 62 // by the wall clock, where the test has its own
	b := newBench(t, fs, c)
	b.must(fs.SyncDir("."))
	b.must(WriteTopicID(fs, testDir+"/"+testPartition.String(), model.UUID{1}))
	return &mover{b, NewDisk(DiskOptions{FS: fs, Dir: otherDir, Logger: quiet()})}
}

// move moves the log, and has do done before each step.
func (m *mover) move(do func(*mover)) error {
	if do == nil {
		do = func(*mover) {}
	}
	future, err := m.other.NewFuture(testPartition, model.UUID{1})
	if err != nil {
		return err
	}
	copied, err := m.log.StartMove(future, noPace)
	if err != nil {
		return err
	}
	for range 3 {
		do(m)
		if _, err := copied.Copy(context.Background()); err != nil {
			return err
		}
	}
	do(m)
	defer copied.HoldCleaner()()
	if err := copied.Finish(func(end model.Offset) { m.durable = max(m.durable, end) }, func(l *Log) { m.log = l }); err != nil {
		return err
	}
	return copied.Retire()
}

// content is all that is to be the same afterwards.
func (m *mover) content() string {
	m.t.Helper()
	var epochs []string
	for o := m.log.StartOffset(); o < m.log.EndOffset(); o++ {
		e, ok := m.log.EpochAt(o)
		epochs = append(epochs, fmt.Sprint(e, ok))
	}
	last, ok := m.log.LatestEpoch()
	producers := m.log.Producers()
	slices.SortFunc(producers, func(a, b ProducerState) int { return int(a.ProducerID - b.ProducerID) })
	return fmt.Sprint(m.log.StartOffset(), m.log.EndOffset(), m.log.Size(), m.all(), epochs, last, ok, producers, m.log.cleanedTo)
}

// fill writes segments, epochs and producers, and moves the start into a segment.
func (m *mover) fill() {
	m.t.Helper()
	for epoch := range model.LeaderEpoch(3) {
		m.must(m.log.StartEpoch(epoch))
		for i := range 9 {
			if m.log.config().Compact {
				_, err := m.log.Append(values(3, fmt.Sprint(epoch, i)), Append{LeaderEpoch: epoch, Now: testNow})
				m.must(err)
				continue
			}
			_, err := m.log.Append(produced(model.ProducerID(i%3), 0, model.Sequence(int(epoch)*9+i/3*3), 3), Append{LeaderEpoch: epoch, Now: testNow})
			m.must(err)
		}
	}
	m.must(m.log.StartEpoch(7))
	m.must(m.log.AdvanceStart(5))
}

func TestMovedLogIsTheSameInEverything(t *testing.T) {
	fs := vfs.NewMem()
	m := newMover(t, fs, smallSegments())
	m.fill()
	before := m.content()
	if err := m.move(nil); err != nil {
		t.Fatal(err)
	}
	if after := m.content(); after != before {
		t.Errorf("moved:\n%s\nbefore:\n%s", after, before)
	}
	if m.log.dir != otherDir+"/"+testPartition.String() || m.log.DurableEnd() != m.log.EndOffset() {
		t.Errorf("in %s, durable up to %d", m.log.dir, m.log.DurableEnd())
	}
	if took, err := TookOver(fs, m.log.dir); took || err != nil {
		t.Errorf("the move has not ended: %v", err)
	}
	// It goes on: appends, truncation, a restart.
	if _, err := m.log.Append(values(3, "w"), Append{LeaderEpoch: 8, Now: testNow}); err != nil {
		t.Fatal(err)
	}
	m.must(m.log.TruncateTo(20))
	m.must(m.log.Close())
	m.must(m.other.Checkpoint())
	again := m.reopened(fs, false)
	if m.log.EndOffset() != again.log.EndOffset() || fmt.Sprint(again.all()) == "" || again.log.StartOffset() != 5 {
		t.Errorf("opened again: [%d, %d)", again.log.StartOffset(), again.log.EndOffset())
	}
}

// reopened opens the log in the other directory.
func (m *mover) reopened(fs vfs.FS, clean bool) *mover {
	m.t.Helper()
	other := NewDisk(DiskOptions{FS: fs, Dir: otherDir, Logger: quiet()})
	log, _, err := Open(Options{FS: fs, Disk: other, Dir: otherDir + "/" + testPartition.String(), TopicPartition: testPartition, Config: *m.log.config(), Logger: quiet(), CleanShutdown: clean})
	m.must(err)
	return &mover{&bench{t: m.t, fs: fs, disk: other, log: log}, other}
}

// What happens to the log while it is copied happens to the copy.
func TestLogChangesWhileItMoves(t *testing.T) {
	for seed := range uint64(60) {
		fs := vfs.NewMem()
		c := smallSegments()
		c.Compact = seed%2 == 0
		m := newMover(t, fs, c)
		m.fill()
		rng := rand.New(rand.NewPCG(seed, 0))
		want := ""
		err := m.move(func(m *mover) {
			m.sync()
			switch rng.IntN(6) {
			case 0:
				_, err := m.log.Append(values(1+rng.IntN(40), fmt.Sprint(seed)), Append{LeaderEpoch: 9, Now: testNow})
				m.must(err)
			case 1:
				m.must(m.log.TruncateTo(m.log.StartOffset() + model.Offset(rng.Int64N(int64(m.log.EndOffset()-m.log.StartOffset())))))
				_, err := m.log.Append(values(1+rng.IntN(40), "after"), Append{LeaderEpoch: 9, Now: testNow})
				m.must(err)
			case 2:
				m.must(m.log.AdvanceStart(m.log.StartOffset() + 3))
				_, err := m.log.Retain(testNow, m.log.EndOffset())
				m.must(err)
			case 3:
				_, err := m.log.Clean(CleanOptions{Now: time.UnixMilli(int64(testNow)).Add(time.Hour), EndOffset: m.log.EndOffset()})
				m.must(err)
			case 4:
				m.must(m.disk.Checkpoint())
			case 5:
				m.must(m.log.TruncateFullyAndStartAt(m.log.EndOffset()))
				_, err := m.log.Append(values(20, "anew"), Append{LeaderEpoch: 9, Now: testNow})
				m.must(err)
			}
			want = m.content()
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := m.content(); got != want {
			t.Fatalf("seed %d: moved:\n%s\nbefore:\n%s", seed, got, want)
		}
	}
}

// A crash before any operation of a move leaves the log whole, in one of the directories,
// and no doubt in which.
func TestMoveSurvivesACrashAnywhere(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		mem := vfs.NewMem()
		var m *mover
		want, checking, crashes := "", true, 0
		fs := vfs.NewFaulty(mem, func(op vfs.Op) error {
			if checking || !op.Kind.Changes() {
				return nil
			}
			checking = true
			crashes++
			unkind := vfs.CrashOptions{NameLoss: []float64{0, 0.3, 1}[rng.IntN(3)], DataLoss: []float64{0, 0.3, 1}[rng.IntN(3)]}
			clone := mem.CrashClone(rng, unkind)
			if got := afterCrash(t, clone, *m.log.config()); got != want {
				t.Fatalf("seed %d, after a crash before %s %s:\n%s\nwant\n%s", seed, op.Kind, op.Name, got, want)
			}
			checking = false
			return nil
		})
		m = newMover(t, fs, smallSegments())
		m.fill()
		m.sync()
		m.must(m.disk.Checkpoint())
		want = m.content()
		checking = false
		if err := m.move(nil); err != nil {
			t.Fatal(err)
		}
		checking = true
		if crashes < 100 {
			t.Fatalf("looked at %d crashes", crashes)
		}
	}
}

// afterCrash does at a start what package partition does, and opens the log.
func afterCrash(t *testing.T, fs vfs.FS, c Config) string {
	t.Helper()
	name := testPartition.String()
	at := ""
	for _, dir := range []string{testDir, otherDir} {
		if _, err := fs.Stat(dir + "/" + name); err != nil {
			continue
		}
		if took, err := TookOver(fs, dir+"/"+name); err != nil {
			t.Fatal(err)
		} else if took || at == "" {
			at = dir
		} else {
			t.Fatal("the log is in two directories, and neither has taken over")
		}
	}
	if at == "" {
		t.Fatal("the log is gone")
	}
	disk := NewDisk(DiskOptions{FS: fs, Dir: at, Logger: quiet()})
	log, _, err := Open(Options{FS: fs, Disk: disk, Dir: at + "/" + name, TopicPartition: testPartition, Config: c, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	m := &mover{&bench{t: t, fs: fs, disk: disk, log: log}, nil}
	return m.content()
}

func FuzzParseFutureDir(f *testing.F) {
	f.Add("t-0.d41d8cd98f00b204e9800998ecf8427e-future")
	f.Fuzz(func(t *testing.T, name string) {
		tp, known, ok := ParseFutureDir(name)
		if known && !ok || known && tp.Partition < 0 {
			t.Fatalf("%q: %v %t %t", name, tp, known, ok)
		}
		if tp, ok := ParsePartitionDir(name); ok && tp.String() != name {
			t.Fatalf("%q is %v", name, tp)
		}
	})
}
