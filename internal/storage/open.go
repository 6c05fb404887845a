package storage

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"math"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Open opens a log, or creates it, and recovers it where it was not closed in
// order: see recovery. Nothing of it is in use by anybody else.
func Open(o Options) (*Log, Recovered, error) {
	l := &Log{fs: o.FS, disk: o.Disk, dir: o.Dir, tp: o.TopicPartition, logger: o.Logger, durable: o.Durable}
	if l.durable == nil {
		l.durable = func(model.Offset) {}
	}
	if l.logger == nil {
		l.logger = o.Disk.logger
	}
	l.SetConfig(o.Config)
	l.write.producers = newProducerTable()
	if err := o.Disk.Err(); err != nil {
		return nil, Recovered{}, fmt.Errorf("open %s: %w", l.tp, err)
	}
	buf := checkBuffers.Get().(*[checkWindow]byte)
	defer checkBuffers.Put(buf)
	r := recovery{log: l, progress: o.Progress, started: time.Now(), buf: buf[:]}
	if err := r.run(o.CleanShutdown); err != nil {
		l.abandon()
		return nil, r.found, fmt.Errorf("open %s: %w", l.tp, err)
	}
	if err := o.Disk.register(l); err != nil {
		l.abandon()
		return nil, r.found, err
	}
	l.unchecked(r.found.BytesChecked) // or the next crash would have all of it checked again
	r.found.Took = time.Since(r.started)
	r.report()
	l.active().file.NoReadAhead() // recovery has read on; see coldReads
	return l, r.found, nil
}

// checkBuffers are shared by the logs that are opened at the same time.
var checkBuffers = sync.Pool{New: func() any { return new([checkWindow]byte) }}

// abandon closes the file of a log that could not be opened.
func (l *Log) abandon() {
	for _, s := range l.segments {
		if s.file != nil {
			s.file.release()
			s.file = nil
		}
	}
}

// run finds out what the directory holds and makes a log of it.
func (r *recovery) run(clean bool) error {
	l := r.log
	saved, err := l.disk.loadedPoints(l.tp)
	if err != nil {
		return err
	}
	start := saved.start
	found, err := surveyDir(l.fs, l.dir)
	if err != nil {
		return r.failed("clear up "+l.dir, err)
	}
	r.found.LeftoversRemoved = found.removed
	l.write.snapshots = found.snapshots
	if len(found.segments) == 0 {
		return r.create(start)
	}
	r.point, r.trusted = saved.recovery, clean
	for _, base := range found.segments {
		s := newSegment(l.dir, base)
		s.size.Store(found.sizes[baseName(base)+logSuffix])
		s.noteFromDisk(s.size.Load())
		s.aborted.count.Store(found.sizes[baseName(base)+txnSuffix] / abortedEntrySize)
		l.segments = append(l.segments, s)
	}
	l.start = max(start, found.segments[0])
	if err := r.loadEpochs(); err != nil {
		return err
	}
	for i := range l.segments {
		if err := r.loadIndexes(i, found); err != nil {
			return err
		}
	}
	if err := r.load(); err != nil {
		return err
	}
	l.cleanedTo = min(saved.cleaned, l.end)
	if l.start > l.end { // DeleteRecords up to an end that was lost: nothing that counts is here
		return l.startOver(l.start)
	}
	return nil
}

// create makes a log that has nothing yet.
func (r *recovery) create(start model.Offset) error {
	l := r.log
	r.found.Clean = true
	s, err := l.createSegment(start)
	if err != nil {
		return r.failed("create segment", err)
	}
	l.segments = []*segment{s}
	l.start, l.end, l.synced, l.durableEnd, l.recoveryPoint = start, start, start, start, start
	l.dirDirty = true // durable with the first records
	return l.dropSnapshots(func(model.Offset) bool { return true })
}

// loadEpochs reads the leader epochs. Without the file, all batches are read to
// find them.
func (r *recovery) loadEpochs() error {
	l := r.log
	path := l.path(epochsFile)
	data, err := readFile(l.fs, path)
	if err == nil {
		r.epochs, err = parseEpochs(path, data)
	}
	switch {
	case err == nil:
	case errors.Is(err, iofs.ErrNotExist):
		r.fromStart = true
	case isCorrupt(err):
		l.logger.Warn("leader epochs are not whole and are read from the records", "tp", l.tp.String(), "err", err)
		r.fromStart = true
	default:
		return err
	}
	return nil
}

// failed fences the directory for what recovery could not write.
func (r *recovery) failed(operation string, err error) error {
	if isCorrupt(err) || errors.Is(err, ErrFenced) {
		return err
	}
	return r.log.disk.fail(operation, err)
}

// trustedPoint is the recovery point of a log that was closed in order.
const trustedPoint = model.Offset(math.MaxInt64)
