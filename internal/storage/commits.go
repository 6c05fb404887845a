package storage

import (
	"time"

	"github.com/chronik/chronik/internal/histogram"
)

// gathered is how much waits for a log's next commit, or is part of one.
type gathered struct {
	appends int64
	bytes   int64
}

// commits counts what the group commit of a disk does. Syncs off the way of an
// append (closing, truncating, checkpoints) are not among it.
type commits struct {
	took, appends, bytes *histogram.Histogram
}

func newCommits() commits {
	return commits{
		took:    histogram.New(histogram.Durations()),
		appends: histogram.New(histogram.Powers(1, 4096)),
		bytes:   histogram.New(histogram.Powers(256, 64<<20)),
	}
}

// observe counts a commit that has returned. One that found nothing to make
// durable but a segment's name is not counted.
func (c *commits) observe(g gathered, took time.Duration) {
	if g.appends == 0 {
		return
	}
	c.took.Observe(int64(took))
	c.appends.Observe(g.appends)
	c.bytes.Observe(g.bytes)
}

// CommitStats tells what the group commit has done since NewDisk: one value a
// commit of one log.
type CommitStats struct {
	Took    histogram.Snapshot // nanoseconds
	Appends histogram.Snapshot // that one commit made durable
	Bytes   histogram.Snapshot // of them
}

// CommitStats is a snapshot. It may be called at any time.
func (d *Disk) CommitStats() CommitStats {
	return CommitStats{
		Took: d.commits.took.Snapshot(), Appends: d.commits.appends.Snapshot(), Bytes: d.commits.bytes.Snapshot(),
	}
}
