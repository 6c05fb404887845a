package storage

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// TruncateTo cuts off the records from an offset on; where it lies within a
// batch the whole batch goes, so that EndOffset may be less afterwards. It
// returns when that is durable. At the end it forgets an epoch that has started there
// and has no records, or a follower would offer it to its leader for ever; beyond the
// end it does nothing.
//
// In this order, so that a crash after any step leaves a log that recovers to a
// prefix of the old one, not shorter than what remains:
//
//  1. the recovery point, if it lies above, is lowered in its file: from now on
//     recovery checks from there and does not miss what goes
//  2. epochs and producer snapshots of what goes are removed: should records of
//     theirs survive, recovery reads them again
//  3. segments behind the cut are renamed away, the last first
//  4. the segment with the cut is made shorter, and synced
func (l *Log) TruncateTo(to model.Offset) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	switch {
	case to > l.end:
		return nil
	case to == l.end:
		return l.forgetFrom(to)
	}
	if to < l.segments[0].base {
		return l.startOver(to)
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.syncAll(); err != nil { // what remains; the rest of this is simpler for it
		return err
	}
	i := segmentFor(l.segments, to)
	cut, err := l.findCut(i, to)
	if err != nil {
		return fmt.Errorf("truncate %s to %d: %w", l.tp, to, err)
	}
	if err := l.lowerRecoveryPoint(cut.end); err != nil {
		return err
	}
	if err := l.forgetFrom(cut.end); err != nil {
		return err
	}
	start := l.start
	if err := l.cutSegments(i, cut); err != nil {
		return l.disk.fail("truncate "+l.tp.String(), err)
	}
	if l.start < start { // or the old start would be read back, and be beyond the end
		if err := l.disk.writeStarts(); err != nil {
			return err
		}
	}
	if err := l.reloadProducers(); err != nil {
		return fmt.Errorf("truncate %s to %d: %w", l.tp, to, err)
	}
	l.logger.Info("log truncated", "tp", l.tp.String(), "to", to, "end", cut.end)
	return nil
}

// logCut is where a log is cut.
type logCut struct {
	position int64        // in the segment's file
	end      model.Offset // the log's new end
}

// findCut is the batch that holds or follows an offset.
func (l *Log) findCut(i int, to model.Offset) (logCut, error) {
	v := l.view()
	defer v.release()
	h, size, err := v.open(&l.disk.handles, i)
	if err != nil {
		return logCut{}, err
	}
	defer h.release()
	s := l.segments[i]
	position, err := l.locate(v.generation, s, h, size, to)
	if err != nil {
		return logCut{}, err
	}
	// There may be a gap before, and the log must end where its last batch does.
	headers := s.headers(h, size, make([]byte, scanWindow))
	end := s.base
	at, err := s.offsets.positionFor(&l.disk.handles, to-1) // below the cut, or 0
	for err == nil && at < position {
		var b record.Batch
		var n int64
		if b, n, err = headers.at(at); err == nil {
			end = b.NextOffset()
			at += n
		}
	}
	return logCut{position, end}, err
}

// lowerRecoveryPoint makes it durable that what is above must be checked.
func (l *Log) lowerRecoveryPoint(to model.Offset) error {
	l.mu.Lock()
	lower := to < l.recoveryPoint
	l.recoveryPoint = min(l.recoveryPoint, to)
	l.mu.Unlock()
	if !lower {
		return nil
	}
	return l.disk.lowerRecoveryPoint(l.tp, to)
}

// forgetFrom removes the epochs that begin at or after an offset, and the
// snapshots behind it.
func (l *Log) forgetFrom(end model.Offset) error {
	if epochs, changed := l.epochs.truncateEnd(end); changed {
		l.mu.Lock()
		l.epochs = epochs
		l.mu.Unlock()
		l.write.epochsDirty = true
		if err := l.writeEpochs(); err != nil {
			return err
		}
	}
	if err := l.dropSnapshots(func(at model.Offset) bool { return at > end }); err != nil {
		return l.disk.fail("remove producer snapshots", err)
	}
	return nil
}

// cutSegments makes segment i the last one, up to the cut. Readers are told
// first: whoever has the old view reads again.
func (l *Log) cutSegments(i int, cut logCut) error {
	s, active := l.segments[i], l.active()
	behind := l.segments[i+1:]
	file, old := active.file, (*handle)(nil)
	if s != active {
		f, err := l.fs.OpenReadWrite(s.logPath())
		if err != nil {
			return err
		}
		f.NoReadAhead()
		file, old = newHandle(f), active.file
	}
	l.mu.Lock()
	l.generation++
	l.end, l.start, l.cleanedTo = cut.end, min(l.start, cut.end), min(l.cleanedTo, cut.end)
	l.synced, l.durableEnd = min(l.synced, cut.end), min(l.durableEnd, cut.end)
	s.size.Store(cut.position)
	s.cuts++
	active.file = nil
	s.file = file
	l.segments = l.segments[: i+1 : i+1]
	l.mu.Unlock()
	if old != nil {
		old.release()
	}
	for n := len(behind) - 1; n >= 0; n-- {
		if err := l.renameAway(behind[n]); err != nil {
			return err
		}
	}
	s.indexesSynced = false
	if err := s.file.Truncate(cut.position); err != nil {
		return err
	}
	l.write.ahead.filledTo = 0
	if err := s.file.Sync(); err != nil {
		return err
	}
	if err := l.cutIndexes(s, cut); err != nil {
		return err
	}
	return l.fs.SyncDir(l.dir)
}

// cutIndexes brings a segment's indexes, and what is known of its timestamps,
// back to a cut.
func (l *Log) cutIndexes(s *segment, cut logCut) error {
	c := &l.disk.handles
	if err := s.offsets.truncateTo(l.fs, c, cut.position); err != nil {
		return err
	}
	if err := s.times.truncateTo(l.fs, c, cut.end); err != nil {
		return err
	}
	if err := s.aborted.truncateTo(l.fs, c, cut.end); err != nil {
		return err
	}
	s.newest, s.firstTimestamp, s.sinceIndex = s.times.last, model.NoTimestamp, 0
	position, err := s.offsets.positionFor(c, cut.end)
	if err != nil {
		return err
	}
	headers := s.headers(s.file, cut.position, make([]byte, scanWindow))
	for position < cut.position {
		b, n, err := headers.at(position)
		if err != nil {
			return err
		}
		if ts := b.MaxTimestamp(); ts > s.newest.timestamp {
			s.newest = timeEntry{ts, b.LastOffset()}
		}
		s.sinceIndex += int(n)
		position += n
	}
	s.firstTimestamp, err = firstTimestamp(s, cut.position)
	return err
}

// reloadProducers makes the producers' state anew, as of the log's end.
func (l *Log) reloadProducers() error {
	first := l.segments[0].base
	table, from, err := l.loadSnapshot(first, l.end)
	if err != nil {
		return err
	}
	v := l.view()
	defer v.release()
	buf := checkBuffers.Get().(*[checkWindow]byte)
	defer checkBuffers.Put(buf)
	for i := segmentFor(l.segments, from); i < len(l.segments); i++ {
		if err := l.replaySegment(&v, i, from, table, buf[:]); err != nil {
			return err
		}
	}
	l.write.producers = table
	table.startAt(l.start)
	l.noteTransactions()
	return nil
}

func (l *Log) replaySegment(v *view, i int, from model.Offset, table *producerTable, buf []byte) error {
	s := v.segments[i]
	h, size, err := v.open(&l.disk.handles, i)
	if err != nil {
		return err
	}
	defer h.release()
	position, err := l.locate(v.generation, s, h, size, from)
	if err != nil {
		return err
	}
	scan := fileScan{r: segmentReader{s, h}, size: size, position: position, next: s.base, buf: buf}
	for {
		b, err := scan.batch()
		if err != nil {
			return &CorruptError{Path: s.logPath(), Position: scan.position, Offset: scan.next, Reason: err.Error()}
		}
		if b == nil {
			return nil
		}
		replay(table, b)
	}
}

// TruncateFullyAndStartAt drops everything and begins anew at an offset: what a
// follower does whose leader no longer has what it would need.
func (l *Log) TruncateFullyAndStartAt(start model.Offset) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	return l.startOver(start)
}

// startOver: the recovery point is lowered to the log's start, so that a crash
// in between, which leaves some prefix of the log or nothing, is no loss to
// recovery. Segments go from the last to the first, and the new one is made when
// they are gone; with none, recovery begins at the log-start checkpoint.
func (l *Log) startOver(start model.Offset) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.lowerRecoveryPoint(min(start, l.segments[0].base)); err != nil {
		return err
	}
	if err := l.forgetFrom(0); err != nil {
		return err
	}
	if err := l.dropSnapshots(func(model.Offset) bool { return true }); err != nil {
		return l.disk.fail("remove producer snapshots", err)
	}
	// Before a segment goes: a snapshot that came back would be of offsets that
	// the log does not reach any more, and recovery takes that for a loss.
	if err := l.fs.SyncDir(l.dir); err != nil {
		return l.disk.fail("sync directory", err)
	}
	oldFile, dirty := l.active().file, l.sealedDirty
	if err := l.replaceAll(start); err != nil {
		return l.disk.fail("start over "+l.tp.String(), err)
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return l.disk.fail("sync directory", err)
	}
	l.mu.Lock()
	l.dirSyncing = false
	l.mu.Unlock()
	// An older start that was recorded would be read back.
	if err := l.disk.writeStarts(); err != nil {
		return err
	}
	for _, h := range dirty {
		h.release()
	}
	oldFile.release()
	l.write.producers, l.write.ahead.filledTo = newProducerTable(), 0
	l.noteTransactions()
	l.logger.Info("log started over", "tp", l.tp.String(), "start", start)
	return nil
}

// replaceAll swaps all segments for an empty one. It holds mu over the renames,
// which is a matter of microseconds for each file, since no view of the log is
// right while it lasts.
func (l *Log) replaceAll(start model.Offset) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation++
	for n := len(l.segments) - 1; n >= 0; n-- {
		if err := l.renameAway(l.segments[n]); err != nil {
			return err
		}
	}
	s, err := l.createSegment(start)
	if err != nil {
		return err
	}
	l.segments = []*segment{s}
	l.start, l.end, l.synced, l.durableEnd, l.recoveryPoint = start, start, start, start, start
	l.cleanedTo, l.sealedDirty, l.dirDirty, l.dirSyncing = 0, nil, false, true
	return nil
}

// renameAway takes a segment's files out of the log, the .log first: indexes
// without it are leftovers, while a .log without indexes would be a segment.
func (l *Log) renameAway(s *segment) error {
	delay := l.config().FileDeleteDelay
	for _, name := range s.names() {
		if err := l.removeLater(name, delay); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) removeLater(name string, delay time.Duration) error {
	away := name + deletedSuffix
	err := l.fs.Rename(name, away)
	l.disk.handles.forget(name)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	l.disk.remover.later(away, delay)
	return nil
}
