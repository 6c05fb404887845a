package storage

import (
	"testing"

	"github.com/chronik/chronik/internal/vfs"
)

// A commit is counted with all the appends that it made durable.
func TestCommitStatsCountWhatSharedASync(t *testing.T) {
	b := newBench(t, vfs.NewMem(), smallSegments())
	b.append(1)
	before := b.log.Size()
	b.sync()
	first := b.disk.CommitStats()
	if n := first.Took.Count(); n != 1 {
		t.Fatalf("%d commits, want 1", n)
	}
	if first.Appends.Sum != 1 || first.Bytes.Sum != before {
		t.Errorf("the first commit had %d appends of %d bytes, want 1 of %d", first.Appends.Sum, first.Bytes.Sum, before)
	}

	b.append(2)
	b.append(30) // into another segment
	b.append(1)
	b.sync()
	b.sync() // nothing is left
	second := b.disk.CommitStats()
	if n := second.Took.Since(first.Took).Count(); n != 1 {
		t.Errorf("%d commits of three appends, want 1", n)
	}
	appends, bytes := second.Appends.Sum-first.Appends.Sum, second.Bytes.Sum-first.Bytes.Sum
	if appends != 3 || bytes != b.log.Size()-before {
		t.Errorf("the second commit had %d appends of %d bytes, want 3 of %d", appends, bytes, b.log.Size()-before)
	}
}

func TestCommitStatsLeaveOutWhatIsNoAppend(t *testing.T) {
	b := newBench(t, vfs.NewMem(), smallSegments())
	b.append(1)
	b.must(b.log.Close()) // syncs by itself
	b.sync()
	if n := b.disk.CommitStats().Took.Count(); n != 0 {
		t.Errorf("%d commits, want none", n)
	}
}
