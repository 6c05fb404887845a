package storage

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// settled is a bench whose disk runs, with a count of the changes made to files.
type settled struct {
	*bench
	mem     *vfs.Mem
	changes atomic.Int64
	stop    func()
}

const testInterval = time.Minute

// newSettled is for use in a bubble.
func newSettled(t *testing.T, c Config) *settled {
	s := &settled{mem: vfs.NewMem()}
	s.bench = newBench(t, vfs.NewFaulty(s.mem, func(op vfs.Op) error {
		if op.Kind.Changes() {
			s.changes.Add(1)
		}
		return nil
	}), c)
	s.disk.checkpointInterval = testInterval
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.disk.Run(ctx) }()
	s.stop = func() { cancel(); s.must(<-ended) }
	return s
}

// write appends about so many bytes, which are synced when it returns.
func (s *settled) write(bytes int64) {
	s.t.Helper()
	for end := s.log.Size() + bytes; s.log.Size() < end; {
		s.append(20)
	}
	synctest.Wait()
}

func bigSegments() Config {
	c := smallSegments()
	c.SegmentBytes, c.IndexIntervalBytes, c.IndexBytes = 1<<30, 4096, 1<<20
	return c
}

// Goal: a crash after a checkpoint costs no more than what was written after it.
// Method: crash before and after the interval has passed, and ask recovery how
// much it read.
func TestACrashAfterTheIntervalChecksWhatCameAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettled(t, bigSegments())
		defer s.stop()
		checked := func() int64 {
			t.Helper()
			after, err := tryBench(t, s.mem.Crash(), bigSegments(), false)
			s.must(err)
			same(t, after.all(), s.all())
			return after.found.BytesChecked
		}
		s.write(3 * uncheckedBytesMax)
		time.Sleep(testInterval - time.Second)
		if got, all := checked(), s.log.Size(); got < all {
			t.Errorf("before the interval: %d bytes checked, of %d", got, all)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		point, before := s.log.RecoveryPoint(), s.log.Size()
		if point != s.log.EndOffset() {
			t.Errorf("after the interval: the recovery point is %d, the log ends at %d", point, s.log.EndOffset())
		}
		s.write(1000)
		// From the last entry of the index on, and one batch of room.
		if got, most := checked(), s.log.Size()-before+2*4096; got > most || got == 0 {
			t.Errorf("after the interval: %d bytes checked, want at most %d", got, most)
		}
	})
}

// A log that has no more than a little above its recovery point is left alone,
// and so is every log where nothing was written since.
func TestNothingIsCheckpointedWithoutNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettled(t, bigSegments())
		defer s.stop()
		idle := func(when string) {
			t.Helper()
			before := s.changes.Load()
			time.Sleep(100 * testInterval)
			synctest.Wait()
			if got := s.changes.Load() - before; got != 0 {
				t.Errorf("%s: %d changes of files", when, got)
			}
		}
		s.write(uncheckedBytesMax / 2)
		idle("little was written")
		s.write(uncheckedBytesMax)
		time.Sleep(testInterval)
		synctest.Wait()
		if s.log.RecoveryPoint() == 0 {
			t.Error("the recovery point has not moved")
		}
		idle("after a checkpoint")
	})
}

// What recovery had to check after one crash, it need not check after the next.
func TestWhatWasRecoveredIsCheckpointed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettled(t, bigSegments())
		s.write(2 * uncheckedBytesMax)
		crashed := s.mem.Crash()
		s.stop()
		after, err := tryBench(t, crashed, bigSegments(), false)
		s.must(err)
		s.must(after.disk.settleWaiting(t.Context()))
		again, err := tryBench(t, crashed.Crash(), bigSegments(), false)
		s.must(err)
		if got := again.found.BytesChecked; got > 2*4096 {
			t.Errorf("%d bytes checked after the second crash, %d after the first", got, after.found.BytesChecked)
		}
	})
}

// Where the cleaner has come is not forgotten in a crash.
func TestTheCleanersProgressIsCheckpointed(t *testing.T) {
	c := smallSegments()
	c.Compact, c.Delete = true, false
	m := vfs.NewMem()
	b := newBench(t, m, c)
	for range 40 {
		b.append(3)
		b.sync()
	}
	if _, err := b.log.Clean(CleanOptions{Now: testNow.Time(), EndOffset: b.log.EndOffset()}); err != nil {
		t.Fatal(err)
	}
	b.must(b.disk.settleWaiting(t.Context()))
	after, err := tryBench(t, m.Crash(), c, false)
	b.must(err)
	if got, want := after.log.cleanedTo, b.log.cleanedTo; got != want || want == model.Offset(0) {
		t.Errorf("cleaned up to %d, want %d", got, want)
	}
}
