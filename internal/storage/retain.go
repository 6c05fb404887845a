package storage

import (
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

// AdvanceStart moves the log's start up to an offset (DeleteRecords). It returns
// when that is durable: what was deleted does not come back after a crash.
// Segments that lie wholly below go with the next Retain.
func (l *Log) AdvanceStart(start model.Offset) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if start > l.end {
		return fmt.Errorf("advance start of %s to %d, log ends at %d: %w", l.tp, start, l.end, ErrOffsetOutOfRange)
	}
	if start <= l.start {
		return nil
	}
	l.raiseStart(start)
	return l.disk.writeStarts()
}

// raiseStart moves the start; epochs and transactions that ended before go.
func (l *Log) raiseStart(start model.Offset) {
	epochs, changed := l.epochs.truncateStart(start)
	l.mu.Lock()
	l.start, l.epochs = max(l.start, start), epochs
	l.mu.Unlock()
	l.write.epochsDirty = l.write.epochsDirty || changed
	l.write.producers.startAt(start)
	l.noteTransactions()
}

// Retain removes the oldest segments that retention.bytes, retention.ms or the
// log's start no longer keep, and forgets producers that have expired. Nothing
// at or above the high watermark is touched.
//
// Crash points: what remains is synced, and its name, and the new start is in
// the log-start checkpoint, before the first file is renamed. A crash after that
// may bring any of the files back: recovery knows that gaps below the start are no
// loss, and the next Retain removes them.
func (l *Log) Retain(now model.Timestamp, highWatermark model.Offset) (Retained, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return Retained{}, err
	}
	l.write.producers.expire(now, l.config().ProducerIDExpiration)
	n, err := l.expired(now, highWatermark)
	if err != nil {
		return Retained{}, fmt.Errorf("retain %s: %w", l.tp, err)
	}
	if n == 0 {
		return Retained{StartOffset: l.start}, nil
	}
	if n == len(l.segments) { // the one that is written too: another takes its place
		if err := l.roll(l.end); err != nil {
			return Retained{}, err
		}
	}
	return l.dropOldest(n)
}

// expired is how many of the oldest segments can go.
func (l *Log) expired(now model.Timestamp, highWatermark model.Offset) (int, error) {
	c := l.config()
	excess := int64(-1)
	if c.Delete && c.RetentionBytes >= 0 {
		excess = -c.RetentionBytes
		for _, s := range l.segments {
			excess += s.size.Load()
		}
	}
	for i, s := range l.segments {
		end := l.end
		if i+1 < len(l.segments) {
			end = l.segments[i+1].base
		}
		size := s.size.Load()
		if end > highWatermark || size == 0 && i+1 == len(l.segments) {
			return i, nil
		}
		excess -= size
		if end <= l.start || c.Delete && c.RetentionBytes >= 0 && excess >= 0 {
			continue
		}
		aged, err := l.outlived(s, now, c)
		if err != nil || !aged {
			return i, err
		}
	}
	return len(l.segments), nil
}

// outlived: the newest record is older than retention.ms. Without timestamps
// the file's own time counts, as Kafka has it.
func (l *Log) outlived(s *segment, now model.Timestamp, c *Config) (bool, error) {
	if !c.Delete || c.RetentionAge < 0 || c.RetentionAge == never {
		return false, nil
	}
	e, err := s.largest(&l.disk.handles)
	if err != nil {
		return false, err
	}
	newest := e.timestamp
	if newest < 0 {
		info, err := l.fs.Stat(s.logPath())
		if err != nil {
			return false, err
		}
		newest = model.TimestampOf(info.ModTime)
	}
	return now.Time().Sub(newest.Time()) > c.RetentionAge, nil
}

// dropOldest removes the first n segments; at least one stays.
func (l *Log) dropOldest(n int) (Retained, error) {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.syncAll(); err != nil {
		return Retained{}, err
	}
	gone, first := l.segments[:n], l.segments[n].base
	if err := l.syncSnapshot(first); err != nil { // it is the last that knows who wrote what goes
		return Retained{}, l.disk.fail("sync producer snapshot", err)
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return Retained{}, l.disk.fail("sync directory", err)
	}
	l.raiseStart(first)
	if err := l.disk.writeStarts(); err != nil {
		return Retained{}, err
	}
	l.mu.Lock()
	l.generation++
	l.segments = l.segments[n:]
	l.goneUnsynced = true
	l.mu.Unlock()
	result := Retained{Segments: n, StartOffset: l.start}
	for _, s := range gone {
		result.Bytes += s.size.Load()
		if err := l.renameAway(s); err != nil {
			return result, l.disk.fail("remove segment of "+l.tp.String(), err)
		}
	}
	if err := l.dropSnapshots(func(at model.Offset) bool { return at < first }); err != nil {
		return result, l.disk.fail("remove producer snapshots", err)
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return result, l.disk.fail("sync directory", err)
	}
	l.mu.Lock()
	l.goneUnsynced = false
	l.mu.Unlock()
	l.logger.Info("old segments removed", "tp", l.tp.String(), "segments", n, "bytes", result.Bytes, "start", l.start)
	return result, nil
}
