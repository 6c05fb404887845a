package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// putStart records the start in the log-start checkpoint, where the first
// segment's name does not tell it: the segment's own name may be lost in a crash,
// or those of removed segments come back.
//
// It is called for all open logs whenever one of them has the file written, so
// also in the middle of what another goroutine does with this one. Each of the
// three flags therefore stays up until the sync of the directory has returned,
// not just until it was asked for; and goneUnsynced goes up together with the
// first segment (dropOldest), so that there is no moment without a reason to
// record the start.
func (l *Log) putStart(starts map[model.TopicPartition]model.Offset) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	unsynced := l.dirDirty || l.dirSyncing || l.goneUnsynced
	if len(l.segments) > 0 && l.start > l.segments[0].base || l.start > 0 && unsynced {
		starts[l.tp] = l.start
	} else {
		delete(starts, l.tp)
	}
}

// putCleaned records how far the cleaner has come.
func (l *Log) putCleaned(cleaned map[model.TopicPartition]model.Offset) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.cleanedTo > 0 {
		cleaned[l.tp] = l.cleanedTo
	} else {
		delete(cleaned, l.tp)
	}
}

// checkpoint makes everything durable that recovery would otherwise rebuild,
// and moves the recovery point to the end of the log. A log that has not
// changed since costs nothing.
//
// Crash points: the point counts only when Disk has written it to the file,
// after this has returned. Whatever of indexes, epochs and snapshot is durable
// before that does no harm: recovery cuts it back to the old point.
func (l *Log) checkpoint() error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.closed || l.RecoveryPoint() == l.end && !l.write.epochsDirty {
		return nil
	}
	if err := l.usable(); err != nil {
		return err
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	return l.settle()
}

// settle does the work of checkpoint. The caller holds write and syncing.
func (l *Log) settle() error {
	if err := l.syncAll(); err != nil {
		return err
	}
	l.write.producers.expire(nowOr(0), l.config().ProducerIDExpiration)
	if err := l.writeSnapshot(l.end, true); err != nil {
		return l.disk.fail("write producer snapshot", err)
	}
	for i := len(l.segments) - 1; i >= 0 && !l.segments[i].indexesSynced; i-- {
		s := l.segments[i]
		if err := errors.Join(s.syncIndexes(l.fs), l.syncSnapshot(s.base)); err != nil {
			return l.disk.fail("sync indexes of "+s.logPath(), err)
		}
		s.indexesSynced = s.file == nil
	}
	if err := l.writeEpochs(); err != nil {
		return err
	}
	if err := l.fs.SyncDir(l.dir); err != nil { // the names of indexes and snapshots
		return l.disk.fail("sync directory", err)
	}
	l.mu.Lock()
	l.recoveryPoint, l.uncheckedBytes = l.end, 0
	l.mu.Unlock()
	return nil
}

// Close makes the log durable as it is and closes it. Disk.Checkpoint after
// the last log is what lets the next start skip all checks.
func (l *Log) Close() error {
	l.stopping.Store(true)
	l.cleaning.Lock()
	defer l.cleaning.Unlock()
	l.write.Lock()
	defer l.write.Unlock()
	if l.closed {
		return nil
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	err := l.usable()
	if err == nil {
		err = l.closeFiles()
	}
	l.shut(false)
	if err != nil {
		return fmt.Errorf("close %s: %w", l.tp, err)
	}
	return nil
}

func (l *Log) closeFiles() error {
	s := l.active()
	if err := s.seal(l.fs); err != nil {
		return l.disk.fail("write index of "+s.logPath(), err)
	}
	if err := l.trim(s); err != nil {
		return l.disk.fail("trim "+s.logPath(), err)
	}
	if err := s.file.Sync(); err != nil {
		return l.disk.fail("sync "+s.logPath(), err)
	}
	return l.settle()
}

// shut ends the use of the log's files. Reads under way keep theirs open.
func (l *Log) shut(deleted bool) {
	l.mu.Lock()
	l.closed = true
	l.generation++
	if l.flushTimer != nil {
		l.flushTimer.Stop()
		l.flushTimer = nil
	}
	if l.syncedChanged != nil {
		close(l.syncedChanged)
		l.syncedChanged = nil
	}
	dirty := l.sealedDirty
	l.sealedDirty = nil
	active := l.active().file
	l.mu.Unlock()
	for _, h := range dirty {
		h.release()
	}
	active.release()
	for _, s := range l.segments {
		for _, name := range s.names() {
			l.disk.handles.forget(name)
		}
	}
	l.disk.unregister(l, deleted)
}

// directoryNameMax is what file systems allow for a name.
const directoryNameMax = 255

// Delete closes logs and renames their directories to <name>.<uuid>-delete, durably; they
// are removed after file.delete.delay.ms. From then on the partitions can be created anew.
// Thousands of logs share one sync. One that cannot be deleted, as it is closed, is an
// error that holds up no other.
func (d *Disk) Delete(logs ...*Log) error {
	var failures []error
	removals := make(map[string]time.Duration, len(logs))
	for _, l := range logs {
		away, err := l.takeAway()
		if err != nil {
			failures = append(failures, err)
			continue
		}
		removals[away] = l.config().FileDeleteDelay
	}
	if len(removals) > 0 {
		if err := d.fs.SyncDir(d.dir); err != nil {
			return errors.Join(append(failures, d.fail("sync "+d.dir, err))...)
		}
	}
	for path, delay := range removals {
		d.remover.later(path, delay)
	}
	return errors.Join(failures...)
}

// takeAway closes a log and renames its directory.
func (l *Log) takeAway() (away string, err error) {
	l.stopping.Store(true)
	l.cleaning.Lock()
	defer l.cleaning.Unlock()
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return "", fmt.Errorf("delete %w", err)
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.shut(true)
	return l.renameDir()
}

// renameDirAway has the directory of a log that was shut removed, after a while.
func (l *Log) renameDirAway() error {
	away, err := l.renameDir()
	if err != nil {
		return err
	}
	if err := l.fs.SyncDir(filepath.Dir(l.dir)); err != nil {
		return l.disk.fail("sync directory of "+l.dir, err)
	}
	l.disk.remover.later(away, l.config().FileDeleteDelay)
	return nil
}

// renameDir renames the directory of a log that was shut, not durably yet.
func (l *Log) renameDir() (away string, err error) {
	away = filepath.Join(filepath.Dir(l.dir), uniqueName(l.tp, deletedDirSuffix))
	if err := l.fs.Rename(l.dir, away); err != nil {
		return "", l.disk.fail("rename "+l.dir, err)
	}
	return away, nil
}

// uniqueName is <topic>-<partition>.<uuid><suffix>, cut to what file systems allow.
func uniqueName(tp model.TopicPartition, suffix string) string {
	id := strings.NewReplacer("-", "", "_", "").Replace(model.NewUUID().String())
	suffix = "." + id + suffix
	name := tp.String()
	if over := len(name) + len(suffix) - directoryNameMax; over > 0 {
		name = name[:len(name)-over]
	}
	return name + suffix
}
