package storage

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// commitState is what of a log is durable, and what waits to be; Log.mu guards
// all but the atomics.
//
// Invariant: synced ≤ end, and recoveryPoint ≤ synced. Without relaxation
// (Config.Relaxed) durableEnd = synced; with it, synced ≤ durableEnd ≤ end.
type commitState struct {
	// syncing is held while the log's files are synced, so that truncating and
	// closing wait for a sync under way. Order: write, syncing, mu.
	syncing sync.Mutex

	synced        model.Offset // what is below has been synced
	durableEnd    model.Offset // what has been told to Options.Durable
	recoveryPoint model.Offset // what is below need not be checked after a crash

	queued        bool      // the log stands in Disk.commit's queue, or will after the commit under way
	committing    bool      // a commit is under way
	reporting     bool      // the log stands in Disk.report's queue
	settling      bool      // the log stands in Disk.settle's queue
	sealedDirty   []*handle // sealed segments that are not synced yet, oldest first
	dirDirty      bool      // a segment's name is not durable yet, and no sync has taken it up
	dirSyncing    bool      // a sync has taken it up, and has not returned
	goneUnsynced  bool      // segments before the first may come back after a crash
	unsyncedCount int64     // records since the last sync, for flush.messages
	gathered      gathered  // what the next commit makes durable
	// uncheckedBytes is how much recovery would have to check; more, where some
	// of it has been truncated since.
	uncheckedBytes int64
	flushTimer     *time.Timer
	syncedChanged  chan struct{} // closed when synced moves; nil: nobody waits

	followed followedState

	transactional atomic.Bool  // there may be transactions to look at
	syncs         atomic.Int64 // commits that had bytes of the last segment to sync
}

// DurableEnd is what counts as durable (exclusive): what is synced, or where
// flush.messages or flush.ms relax that, what is written.
func (l *Log) DurableEnd() model.Offset {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.durableEnd
}

// SyncedEnd is what a power loss leaves (exclusive).
func (l *Log) SyncedEnd() model.Offset {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.synced
}

// RecoveryPoint is the offset below which nothing needs to be checked after a
// crash.
func (l *Log) RecoveryPoint() model.Offset {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.recoveryPoint
}

// publish makes records visible that have been written, and has them synced.
func (l *Log) publish(s *segment, size int64, end model.Offset) {
	l.mu.Lock()
	// Read under the lock: SetConfig takes it after a change, to have synced what
	// was written under settings that were relaxed.
	c := l.config()
	l.unsyncedCount += int64(end - l.end)
	l.gathered.appends++
	l.gathered.bytes += size - s.size.Load()
	settle := l.uncheckedLocked(size - s.size.Load())
	s.size.Store(size)
	l.end = end
	commit, report := true, false
	if c.Relaxed() {
		report = !l.reporting
		l.reporting = true
		commit = c.FlushMessages > 1 && c.FlushMessages != never && l.unsyncedCount >= c.FlushMessages
		l.flushLaterLocked(c)
	}
	commit = commit && l.queueLocked()
	l.mu.Unlock()
	if commit {
		l.disk.commit.add(l)
	}
	if report {
		l.disk.report.add(l)
	}
	if settle {
		l.disk.settle.add(l)
	}
}

// flushLaterLocked arms the timer for flush.ms, unless it runs.
func (l *Log) flushLaterLocked(c *Config) {
	if c.FlushInterval <= 0 || c.FlushInterval == never || l.flushTimer != nil {
		return
	}
	l.flushTimer = time.AfterFunc(c.FlushInterval, l.requestSync)
}

// queueLocked has the log committed; it reports whether the caller is to queue
// it. While a commit is under way it is not: another of the committers would
// take it, and wait.
func (l *Log) queueLocked() bool {
	if l.queued || l.closed {
		return false
	}
	l.queued = true
	return !l.committing
}

// requestSync queues the log for a sync.
func (l *Log) requestSync() {
	l.mu.Lock()
	if l.flushTimer != nil {
		l.flushTimer.Stop()
		l.flushTimer = nil
	}
	add := l.queueLocked()
	l.mu.Unlock()
	if add {
		l.disk.commit.add(l)
	}
}

// unsynced is what one sync has to make durable.
type unsynced struct {
	sealed []*handle
	active *handle
	base   model.Offset // of active's segment
	size   int64        // of its batches
	dir    bool
	end    model.Offset
	gathered
}

// takeUnsyncedLocked takes everything that has been written so far. What is
// appended from now on is the next commit's.
func (l *Log) takeUnsyncedLocked() unsynced {
	u := unsynced{sealed: l.sealedDirty, dir: l.dirDirty, end: l.end, gathered: l.gathered}
	if l.synced < l.end {
		s := l.active()
		u.active, u.base, u.size = s.file.acquire(), s.base, s.size.Load()
		l.syncs.Add(1)
	}
	l.sealedDirty, l.dirDirty, l.unsyncedCount, l.gathered = nil, false, 0, gathered{}
	l.dirSyncing = u.dir
	return u
}

// sync makes it durable: the files, and then the directory that names them. A
// segment counts only when its name is there too.
func (u *unsynced) sync(fs vfs.FS, dir string) error {
	for _, h := range u.sealed {
		if err := h.Sync(); err != nil { // not SyncData: sealing may have made it shorter
			return fmt.Errorf("sync sealed segment: %w", err)
		}
	}
	if u.active != nil {
		if err := u.active.SyncData(); err != nil {
			return fmt.Errorf("sync segment: %w", err)
		}
	}
	if u.dir {
		if err := fs.SyncDir(dir); err != nil {
			return fmt.Errorf("sync directory: %w", err)
		}
	}
	return nil
}

func (u *unsynced) release() {
	for _, h := range u.sealed {
		h.release()
	}
	if u.active != nil {
		u.active.release()
	}
}

// commit makes durable what was appended until it began.
func (l *Log) commit() {
	l.syncing.Lock()
	u, some := l.beginCommit()
	if some {
		began := time.Now()
		if err := u.sync(l.fs, l.dir); err != nil {
			_ = l.disk.fail("sync "+l.tp.String(), err) // whoever waits hears of it by the fence
			some = false
		} else {
			l.disk.commits.observe(u.gathered, time.Since(began))
		}
	}
	l.endCommit(u, some)
}

// beginCommit takes what is to be synced; some is false where nothing is any more. The
// caller holds syncing, and calls endCommit.
func (l *Log) beginCommit() (u unsynced, some bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disk.cold.beginCommit()
	l.queued, l.committing = false, true
	if l.closed || l.disk.Err() != nil {
		return unsynced{}, false
	}
	return l.takeUnsyncedLocked(), true
}

// endCommit tells of what has been synced, gives syncing up, and queues the log again
// where more has been appended meanwhile.
func (l *Log) endCommit(u unsynced, synced bool) {
	grown := false
	if synced {
		l.mu.Lock()
		l.setSyncedLocked(u.end)
		grown = l.raiseDurableLocked(u.end)
		l.mu.Unlock()
		l.forgetFollowed(&u)
	}
	u.release()
	l.disk.cold.endCommit()
	l.syncing.Unlock()
	if grown {
		l.durable(u.end)
	}
	l.mu.Lock()
	l.committing = false
	again := l.queued
	l.mu.Unlock()
	if again {
		l.disk.commit.add(l)
	}
}

// setSyncedLocked notes that a sync has returned, and moves synced up. The
// caller has held syncing since it took what was synced.
func (l *Log) setSyncedLocked(end model.Offset) {
	l.dirSyncing = false
	if end <= l.synced {
		return
	}
	l.synced = end
	if l.syncedChanged != nil {
		close(l.syncedChanged)
		l.syncedChanged = nil
	}
}

func (l *Log) raiseDurableLocked(end model.Offset) bool {
	if l.durableEnd >= end {
		return false
	}
	l.durableEnd = end
	return true
}

// reportDurable calls Durable where no commit does: for a relaxed log, and after
// a sync on another way.
func (l *Log) reportDurable() {
	l.mu.Lock()
	l.reporting = false
	end := l.synced
	if l.config().Relaxed() {
		end = l.end
	}
	grown := !l.closed && l.disk.Err() == nil && l.raiseDurableLocked(end)
	l.mu.Unlock()
	if grown {
		l.durable(end)
	}
}

// Flush waits until everything appended so far is synced.
func (l *Log) Flush(ctx context.Context) error {
	l.mu.RLock()
	want := l.end
	l.mu.RUnlock()
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return fmt.Errorf("flush %s: %w", l.tp, ErrClosed)
		}
		if l.synced >= min(want, l.end) { // less, where a truncation came between
			l.mu.Unlock()
			return l.disk.Err()
		}
		if l.syncedChanged == nil {
			l.syncedChanged = make(chan struct{})
		}
		changed := l.syncedChanged
		l.mu.Unlock()
		l.requestSync()
		select {
		case <-changed:
		case <-l.disk.fenced:
			return fmt.Errorf("flush %s: %w", l.tp, l.disk.Err())
		case <-ctx.Done():
			return fmt.Errorf("flush %s: %w", l.tp, ctx.Err())
		}
	}
}

// syncAll makes everything durable at once, for operations that are not on the
// way of an append. The caller holds write and syncing.
func (l *Log) syncAll() error {
	l.mu.Lock()
	u := l.takeUnsyncedLocked()
	l.mu.Unlock()
	defer u.release()
	if err := u.sync(l.fs, l.dir); err != nil {
		return l.disk.fail("sync "+l.tp.String(), err)
	}
	l.mu.Lock()
	l.setSyncedLocked(u.end)
	report := l.durableEnd < l.synced && !l.reporting
	l.reporting = l.reporting || report
	l.mu.Unlock()
	if report {
		l.disk.report.add(l)
	}
	return nil
}
