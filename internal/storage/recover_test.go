package storage

import (
	"testing"

	"github.com/chronik/chronik/internal/vfs"
)

// A segment that was sealed right at the recovery point was sealed after the
// point was written: what sealing did to its files may be lost.
func TestASegmentSealedAtTheRecoveryPointIsNotBelieved(t *testing.T) {
	m := vfs.NewMem()
	b := trickled(t, m)
	b.must(b.disk.Checkpoint())
	old := b.log.active()
	b.log.write.Lock()
	b.must(b.log.roll(b.log.end))
	b.log.write.Unlock()
	b.append(1)
	b.sync()
	want, newest, batches := b.all(), old.newest, old.size.Load()
	if times := old.times.count(); times == 0 || b.log.RecoveryPoint() != b.log.segments[1].base {
		t.Fatalf("%d entries in the time index, recovery point %d", times, b.log.RecoveryPoint())
	}

	lose := map[string]func(f vfs.File) error{
		old.logPath(): func(f vfs.File) error { return f.Truncate(batches + 1000) }, // zeros that were cut off
		old.times.path: func(f vfs.File) error { // the final entry has its length only
			_, err := f.WriteAt(make([]byte, timeEntrySize), int64(old.times.count()-1)*timeEntrySize)
			return err
		},
	}
	for path, do := range lose {
		clone := m.Clone()
		f, err := clone.OpenReadWrite(path)
		b.must(err)
		b.must(do(f))
		after, err := tryBench(t, clone, *b.log.config(), false)
		b.must(err)
		same(t, after.all(), want)
		s := after.log.segments[0]
		s.newest = timeEntry{-1, s.base} // so that it is read
		if got, err := s.largest(&after.disk.handles); err != nil || got.timestamp != newest.timestamp {
			t.Errorf("%s: newest timestamp %d, want %d (%v)", path, got.timestamp, newest.timestamp, err)
		}
		if after.found.BytesCut != 0 || s.size.Load() != batches {
			t.Errorf("%s: %d bytes cut off, %d left, want 0, %d", path, after.found.BytesCut, s.size.Load(), batches)
		}
	}
}
