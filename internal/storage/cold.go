package storage

import (
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
// times as long as that took: a thousand records a second wait for 1.4 ms then, 7 ms in one
// of a hundred, while 250 MB/s are read (stress -only cold). Of the 7 ms the disk has little:
// its writes and flushes take 0.2 ms at most in 99 of 100, as without readers.
const (
	coldPause = 3
	// coldPieceBytes keep a disk busy for a fraction of a millisecond.
	coldPieceBytes = 256 << 10
	// coldYield is for how long after a commit another is expected.
	coldYield = 20 * time.Millisecond
	// coldPauseMax bounds a pause after a piece, which may itself have waited for others.
	coldPauseMax = 5 * time.Millisecond
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

// readAt is segmentReader.ReadAt, in which commits go first.
func (c *coldReads) readAt(s *segment, h *handle, p []byte, off int64) (int, error) {
	done := 0
	for look := len(p); done < len(p); look = coldPieceBytes { // all of it first
		rest, at := p[done:], off+int64(done)
		n := h.ReadCached(rest[:min(len(rest), look)], at)
		if n == 0 && look <= coldPieceBytes {
			s.noteFromDisk(off + int64(len(p)))
			var err error
			if n, err = c.piece(h, rest, at); err != nil {
				return done + n, err
			}
		}
		done += n
	}
	return done, nil
}

// piece reads some of p, or all of it.
func (c *coldReads) piece(h *handle, p []byte, off int64) (int, error) {
	if !c.yields() {
		return h.ReadAt(p, off)
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	began := time.Now()
	n, err := h.ReadAt(p[:min(len(p), coldPieceBytes)], off)
	if c.yields() {
		time.Sleep(min(coldPause*time.Since(began), coldPauseMax))
	}
	return n, err
}
