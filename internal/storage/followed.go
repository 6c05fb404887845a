package storage

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Who follows writes what nobody reads there: consumers ask the leader. Left to the
// system, two thirds of the page cache of a cluster with three copies would be such, and
// a node that catches up would push out what consumers are about to read. So a follower
// keeps the end of its log in memory, for consumers that are behind when it becomes the
// leader, and gives up the rest once that is on the disk (docs/adr/0015).
const (
	// followedBytesMin is what each log keeps at least.
	followedBytesMin = 4 << 20
	// forgetBytesMin is given up at a time.
	forgetBytesMin = 8 << 20
	// readHere is for how long after a read somebody counts as reading here (KIP-392).
	readHere = 10 * time.Second
)

// followedState is of a log whose records come from a leader; commitState.syncing guards
// it.
type followedState struct {
	base      model.Offset // of the segment
	forgotten int64        // up to this position of it
}

// forgetFollowed gives up what has been synced and nobody reads. The caller holds syncing.
func (l *Log) forgetFollowed(u *unsynced) {
	if u.active == nil || l.disk.followedBytes == 0 || !l.following.Load() {
		return
	}
	f := &l.followed
	if f.base != u.base {
		*f = followedState{base: u.base}
	}
	n := u.size - max(followedBytesMin, l.disk.followedBytes/max(l.disk.points.opened.Load(), 1)) - f.forgotten
	if n < forgetBytesMin || time.Since(time.Unix(0, l.read.Load())) < readHere {
		return
	}
	n = n / forgetBytesMin * forgetBytesMin
	u.active.Forget(f.forgotten, n)
	f.forgotten += n
}
