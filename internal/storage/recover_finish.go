package storage

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// cutTail cuts off what follows the last good batch of a segment. Zeros there
// were written ahead, or preallocated, and are no loss.
func (r *recovery) cutTail(s *segment, scan *fileScan, stopped error) (torn bool, err error) {
	end, err := scan.lastByte()
	if err != nil {
		return false, r.damaged(s, scan, err)
	}
	torn = end > scan.position
	if torn && scan.next < r.checkedPoint() {
		return true, r.damaged(s, scan, stopped)
	}
	if torn {
		r.found.BytesCut += end - scan.position
		r.log.logger.Warn("torn tail of the log cut off", "tp", r.log.tp.String(), "file", s.logPath(),
			"position", scan.position, "offset", scan.next, "bytes", end-scan.position, "reason", stopped.Error())
	}
	if err := s.file.Truncate(scan.position); err != nil {
		return torn, r.failed("cut "+s.logPath(), err)
	}
	return torn, nil
}

// leave ends the work on a segment: the last one stays open to be written, the
// others have their indexes completed and are synced by finish.
func (r *recovery) leave(i int, believed bool) error {
	l := r.log
	s := l.segments[i]
	if i == len(l.segments)-1 {
		return nil
	}
	if believed {
		s.file.release()
		s.file = nil
		return nil
	}
	if err := s.seal(l.fs); err != nil {
		return r.failed("write index of "+s.logPath(), err)
	}
	l.sealedDirty = append(l.sealedDirty, s.file)
	s.file = nil
	return nil
}

// finish drops the segments from drop on, syncs what is left, and fills in
// where the log begins and ends.
func (r *recovery) finish(drop int) error {
	l := r.log
	if !r.trusted && l.end < r.point || l.end < r.from {
		s := l.segments[min(drop, len(l.segments))-1]
		return &CorruptError{Path: s.logPath(), Position: s.size.Load(), Offset: l.end,
			Reason: fmt.Sprintf("the log ends at %d, and was durable up to %d", l.end, max(r.point, r.from))}
	}
	if err := r.drop(drop); err != nil {
		return err
	}
	if err := l.dropSnapshots(func(at model.Offset) bool { return at > l.end }); err != nil {
		return r.failed("drop producer snapshots", err)
	}
	r.finishEpochs()
	l.write.producers.startAt(l.start)
	l.noteTransactions()
	l.recoveryPoint = min(r.checkedPoint(), l.end)
	r.found.Clean = r.trusted && r.found.BytesCut == 0
	r.found.ProducersLoaded = len(l.write.producers.byID)
	if r.trusted {
		l.synced, l.durableEnd = l.end, l.end
		return nil
	}
	l.dirDirty = true
	u := unsynced{sealed: l.sealedDirty, active: l.active().file.acquire(), dir: true}
	l.sealedDirty, l.dirDirty = nil, false
	defer u.release()
	if err := u.sync(l.fs, l.dir); err != nil {
		return r.failed("sync "+l.tp.String(), err)
	}
	l.synced, l.durableEnd = l.end, l.end
	return nil
}

// drop removes the segments from i on, which lie behind a torn one, and opens
// the one before them to be written.
func (r *recovery) drop(i int) error {
	l := r.log
	for _, s := range l.segments[i:] {
		r.found.SegmentsCut++
		r.found.BytesCut += s.size.Load()
		if s.file != nil {
			s.file.release()
		}
		for _, name := range s.names() {
			if err := removeIfExists(l.fs, name); err != nil {
				return r.failed("remove "+name, err)
			}
			l.disk.handles.forget(name)
		}
	}
	l.segments = l.segments[:i]
	s := l.active()
	if s.file != nil {
		return nil
	}
	s.indexesSynced = false
	if n := len(l.sealedDirty); n > 0 { // it was left as sealed
		s.file = l.sealedDirty[n-1]
		l.sealedDirty = l.sealedDirty[:n-1]
		return nil
	}
	var err error
	if s.times.last, err = s.times.newest(&l.disk.handles); err != nil {
		return err
	}
	s.newest = s.times.last
	if err := s.open(l.fs); err != nil {
		return r.failed("open segment", err)
	}
	s.firstTimestamp, err = firstTimestamp(s, s.size.Load())
	return err
}

// finishEpochs takes over from the file an epoch that began at the end of the
// log and has no record yet, and cuts off what is before the start.
func (r *recovery) finishEpochs() {
	l := r.log
	for _, e := range r.epochs {
		last, ok := l.epochs.latest()
		if e.start == l.end && (!ok || e.epoch > last.epoch) {
			l.epochs, _ = l.epochs.assign(e.epoch, e.start)
		}
	}
	l.epochs, _ = l.epochs.truncateStart(l.start)
	same := len(l.epochs) == len(r.epochs)
	for i := 0; same && i < len(l.epochs); i++ {
		same = l.epochs[i] == r.epochs[i]
	}
	l.write.epochsDirty = !same
}

// progressEvery is how often a long recovery says how far it is.
const progressEvery = time.Second

// checked counts bytes that have been read and compared with their CRC.
func (r *recovery) checked(n int64) {
	r.found.BatchesChecked++
	r.found.BytesChecked += n
	if r.progress == nil {
		return
	}
	now := time.Now()
	if now.Sub(r.started) < progressEvery || now.Sub(r.told) < progressEvery {
		return
	}
	r.told = now
	var total int64
	for _, s := range r.log.segments {
		total += s.size.Load()
	}
	r.progress(RecoveryProgress{BytesChecked: r.found.BytesChecked, BytesTotal: total})
}

// quickRecovery is what need not be mentioned at the default log level.
const quickRecovery = 2 * time.Second

func (r *recovery) report() {
	f := r.found
	level := r.log.logger.Debug
	if f.Took > quickRecovery || f.BytesCut > 0 || f.IndexesRebuilt > 0 {
		level = r.log.logger.Info
	}
	level("log opened", "tp", r.log.tp.String(), "start", r.log.start, "end", r.log.end, "clean", f.Clean,
		"segmentsChecked", f.SegmentsChecked, "batchesChecked", f.BatchesChecked, "bytesCut", f.BytesCut,
		"segmentsCut", f.SegmentsCut, "indexesRebuilt", f.IndexesRebuilt, "took", f.Took)
}
