package storage

import (
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// A leader that has written nothing leaves an epoch that starts at its log's end. Cut
// there, as a leader that does not know the epoch asks for, it is gone, also after a
// start.
func TestACutAtTheEndForgetsAnEpochWithoutRecords(t *testing.T) {
	b := newBench(t, vfs.NewMem(), smallSegments())
	_, err := b.log.Append(values(3, "v"), Append{LeaderEpoch: 1, Now: testNow})
	b.must(err)
	b.sync()
	b.must(b.log.StartEpoch(7))
	b.must(b.log.TruncateTo(b.log.EndOffset() + 1))
	latest := func(want model.LeaderEpoch) {
		t.Helper()
		if got, ok := b.log.LatestEpoch(); !ok || got != want {
			t.Errorf("latest epoch %d, %t, want %d", got, ok, want)
		}
	}
	latest(7) // beyond the end nothing is cut
	b.must(b.log.TruncateTo(b.log.EndOffset()))
	latest(1)
	if end := b.log.EndOffset(); end != 3 {
		t.Errorf("ends at %d", end)
	}
	b = b.reopen(false)
	latest(1)
}
