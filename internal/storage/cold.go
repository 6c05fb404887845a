package storage

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Reading what is not in memory competes with the syncs that producers wait for, and the
// system is on the readers' side: with its read-ahead of some megabytes, and Linux's
// mq-deadline, which has writes wait behind reads, one consumer that read 10 GiB had
// twelve callers wait for 18 ms each, 1.3 ms without it.
//
// So readers have the system read no more than they ask for. While logs are being
// committed they read by turns, a piece at a time, and then leave the disk alone for three
// times as long as that took.
//
// That leaves the processors: some megabytes sent at once, and taken by a consumer at once,
// keep two of them busy for milliseconds. So what came from the disk is sent by pieces as
// well, with pauses. And pages that nobody has used yet cost a virtual machine more than the
// reading: what a reader has left behind is forgotten, and its pages taken again
// (docs/adr/0021).
const (
	coldPause = 3
	// coldPieceBytes keep a disk busy for a fraction of a millisecond.
	coldPieceBytes = 256 << 10
	// coldYield is for how long after a commit another is expected.
	coldYield = 20 * time.Millisecond
	// coldPauseMax bounds a pause after a piece, which may itself have waited for others.
	coldPauseMax = 5 * time.Millisecond
	// coldKeptBytes is what the page cache keeps of what a reader has read of a segment, for
	// others that read the same.
	coldKeptBytes = 32 << 20
	// coldForgetUnit is what a system may have pages of, or several together.
	coldForgetUnit = 64 << 10
	// coldSendPause, by the number of processors, comes between pieces that are sent: with
	// many of them there is always one for others.
	coldSendPause = 6 * time.Millisecond
)

// coldReads are those of one disk.
type coldReads struct {
	turn       sync.Mutex   // of who reads while there are commits
	committing atomic.Int64 // how many commits wait for the disk
	committed  atomic.Int64 // when one last ended; Unix nanoseconds
}

func (c *coldReads) beginCommit() { c.committing.Add(1) }

func (c *coldReads) endCommit() {
	c.committed.Store(time.Now().UnixNano())
	c.committing.Add(-1)
}

// yields reports whether somebody waits for the disk, or is about to. One who has waited
// for long already counts most.
func (c *coldReads) yields() bool {
	return c.committing.Load() > 0 || time.Duration(time.Now().UnixNano()-c.committed.Load()) < coldYield
}

// giveWay waits a moment if somebody waits for the disk, or is about to.
func (c *coldReads) giveWay() {
	if c.yields() {
		time.Sleep(coldSendPause / time.Duration(runtime.GOMAXPROCS(0)))
	}
}

// readAt is segmentReader.ReadAt, in which commits go first; cold tells that some of it
// came from the disk. A reader that passes leaves nothing in memory but what is close behind.
func (c *coldReads) readAt(s *segment, h *handle, p []byte, off int64, passes bool) (done int, cold bool, err error) {
	for look := len(p); done < len(p); look = coldPieceBytes { // all of it first
		rest, at := p[done:], off+int64(done)
		n := h.ReadCached(rest[:min(len(rest), look)], at)
		if n == 0 && look <= coldPieceBytes {
			cold = true
			s.noteFromDisk(off + int64(len(p)))
			if n, err = c.piece(h, rest, at, passes); err != nil {
				return done + n, cold, err
			}
		}
		done += n
	}
	return done, cold, nil
}

// piece reads some of p, or all of it.
func (c *coldReads) piece(h *handle, p []byte, off int64, passes bool) (int, error) {
	if !c.yields() {
		return h.ReadAt(p, off)
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	began := time.Now()
	n, err := h.ReadAt(p[:min(len(p), coldPieceBytes)], off)
	if c.yields() {
		pause := min(coldPause*time.Since(began), coldPauseMax)
		if passes {
			forgetBehind(h, off, int64(n))
		}
		time.Sleep(pause)
	}
	return n, err
}

// forgetBehind gives up what a reader has left behind by now, as much as it has just read.
func forgetBehind(h *handle, off, n int64) {
	from, to := (off-coldKeptBytes)&^(coldForgetUnit-1), (off+n-coldKeptBytes)&^(coldForgetUnit-1)
	if from = max(from, 0); from < to {
		h.Forget(from, to-from)
	}
}
