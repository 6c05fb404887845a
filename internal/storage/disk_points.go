package storage

import (
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// checkpoints are a data directory's recovery points, log starts and cleaned ends: those of
// open logs are asked for when the files are written; those of logs that are
// not open are kept as they were read.
type checkpoints struct {
	// write is held while the files are written, so that an older state cannot
	// overwrite a newer one.
	write sync.Mutex
	mu    sync.Mutex // guards the rest; taken after write and before Log.mu

	loaded   bool
	open     map[model.TopicPartition]*Log
	opened   atomic.Int64 // how many those are, for who does not hold mu
	recovery map[model.TopicPartition]model.Offset
	start    map[model.TopicPartition]model.Offset
	cleaned  map[model.TopicPartition]model.Offset

	// deleted are partitions that the files may still have points of, each with
	// the number of its deletion: they are not written for every deletion, of
	// which there may be thousands at once.
	deleted   map[model.TopicPartition]uint64
	deletions uint64
}

// savedPoints are what the files say of one partition.
type savedPoints struct {
	recovery, start, cleaned model.Offset
}

// loadedPoints reads the checkpoint files, once, and returns a partition's.
// Broken files are no reason not to start: without a recovery point everything
// is checked, and without a start the first segment's base is it.
func (d *Disk) loadedPoints(tp model.TopicPartition) (saved savedPoints, err error) {
	p := &d.points
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		if p.recovery, err = d.readPoints(RecoveryPointCheckpoint); err != nil {
			return savedPoints{}, err
		}
		if p.start, err = d.readPoints(LogStartCheckpoint); err != nil {
			return savedPoints{}, err
		}
		if p.cleaned, err = d.readPoints(CleanerCheckpoint); err != nil {
			return savedPoints{}, err
		}
		p.loaded = true
	}
	return savedPoints{p.recovery[tp], p.start[tp], p.cleaned[tp]}, nil
}

func (d *Disk) readPoints(name string) (map[model.TopicPartition]model.Offset, error) {
	points, err := ReadOffsetCheckpoint(d.fs, d.dir, name)
	if isCorrupt(err) {
		d.logger.Warn("checkpoint file is corrupt and will be written anew", "dir", d.dir, "file", name, "err", err)
		return make(map[model.TopicPartition]model.Offset), nil
	}
	return points, err
}

// register adds an open log.
func (d *Disk) register(l *Log) error {
	p := &d.points
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[l.tp] != nil {
		return fmt.Errorf("open %s: it is open already", l.tp)
	}
	p.open[l.tp] = l
	p.opened.Store(int64(len(p.open)))
	return nil
}

// unregister removes a log that was closed; its points stay as they are now,
// or go with it.
func (d *Disk) unregister(l *Log, deleted bool) {
	p := &d.points
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, l.tp)
	p.opened.Store(int64(len(p.open)))
	if deleted {
		p.dropLocked(l.tp)
		return
	}
	p.recovery[l.tp] = l.RecoveryPoint()
	l.putStart(p.start)
	l.putCleaned(p.cleaned)
}

// dropLocked drops a partition's points. Its files still have them.
func (p *checkpoints) dropLocked(tp model.TopicPartition) {
	delete(p.recovery, tp)
	delete(p.start, tp)
	delete(p.cleaned, tp)
	p.deletions++
	p.deleted[tp] = p.deletions
}

// adopt makes the points of a log durable that is about to come from another directory.
func (d *Disk) adopt(tp model.TopicPartition, saved savedPoints) error {
	if _, err := d.loadedPoints(tp); err != nil {
		return fmt.Errorf("adopt %s: %w", tp, err)
	}
	p := &d.points
	p.mu.Lock()
	p.dropLocked(tp)
	delete(p.deleted, tp)
	p.recovery[tp] = saved.recovery
	if saved.start > 0 {
		p.start[tp] = saved.start
	}
	if saved.cleaned > 0 {
		p.cleaned[tp] = saved.cleaned
	}
	p.mu.Unlock()
	return d.writeAll()
}

// Forget makes it durable that nothing is known of a partition that is not
// open. Call it before the directory of a new partition is made: what the files
// say of a deleted one of the same name would be taken for this one's after a
// crash, and records below a recovery point that are not there for damage.
// Where the name is new it costs nothing.
func (d *Disk) Forget(tp model.TopicPartition) error {
	saved, err := d.loadedPoints(tp)
	if err != nil {
		return fmt.Errorf("forget %s: %w", tp, err)
	}
	p := &d.points
	p.mu.Lock()
	if saved != (savedPoints{}) {
		p.dropLocked(tp)
	}
	_, inFiles := p.deleted[tp]
	p.mu.Unlock()
	if !inFiles {
		return nil
	}
	return d.writeAll()
}

// writeAll writes the three files. After it they have nothing of a partition
// that was deleted before it began.
func (d *Disk) writeAll() error {
	p := &d.points
	p.mu.Lock()
	before := p.deletions
	p.mu.Unlock()
	if err := d.writeRecoveryPoints(); err != nil {
		return err
	}
	if err := d.writeStarts(); err != nil {
		return err
	}
	if err := d.writeCleaned(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.deleted, func(_ model.TopicPartition, n uint64) bool { return n <= before })
	return nil
}

// Checkpoint moves the recovery points of all open logs to what is durable now,
// and writes the directory's recovery-point, log-start and cleaner checkpoints. Call it
// after the logs were closed: what it records need not be checked after a crash.
// Meanwhile Run does the same for logs that need it (serveSettle).
func (d *Disk) Checkpoint() error {
	p := &d.points
	p.mu.Lock()
	logs := make([]*Log, 0, len(p.open))
	for _, l := range p.open {
		logs = append(logs, l)
	}
	p.mu.Unlock()
	for _, l := range logs {
		if err := l.checkpoint(); err != nil {
			return err
		}
	}
	return d.writeAll()
}

// lowerRecoveryPoint makes it durable that a partition is to be checked from an
// offset on. Its log may be one that is just being opened, which the files are
// not asked of yet.
//
// Others that are as quickly read as opened are to be checked from then on as well, though
// nothing of theirs is to be cut yet: a node that comes back cuts thousands of logs, one
// after the other, and the file is written for the first of them only.
func (d *Disk) lowerRecoveryPoint(tp model.TopicPartition, to model.Offset) error {
	p := &d.points
	p.mu.Lock()
	p.recovery[tp] = min(p.recovery[tp], to)
	p.mu.Unlock()
	lowered := make(map[*Log]model.Offset)
	return d.writePoints(RecoveryPointCheckpoint, func(p *checkpoints) map[model.TopicPartition]model.Offset {
		for tp, l := range p.open {
			p.recovery[tp] = l.RecoveryPoint()
			if start, small := l.quicklyChecked(); small && start < p.recovery[tp] {
				p.recovery[tp], lowered[l] = start, start
			}
		}
		return p.recovery
	}, func() {
		for l, start := range lowered {
			l.mu.Lock()
			l.recoveryPoint = min(l.recoveryPoint, start)
			l.mu.Unlock()
		}
	})
}

// quicklyChecked reports whether checking all of a log costs less than a checkpoint of it,
// and where it would begin.
func (l *Log) quicklyChecked() (from model.Offset, quickly bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.segments) != 1 || l.closed {
		return 0, false
	}
	s := l.segments[0]
	return s.base, s.size.Load() < l.disk.uncheckedBytesMax
}

func (d *Disk) writeRecoveryPoints() error {
	return d.writePoints(RecoveryPointCheckpoint, func(p *checkpoints) map[model.TopicPartition]model.Offset {
		for tp, l := range p.open {
			p.recovery[tp] = l.RecoveryPoint()
		}
		return p.recovery
	}, nil)
}

func (d *Disk) writeStarts() error {
	return d.writePoints(LogStartCheckpoint, func(p *checkpoints) map[model.TopicPartition]model.Offset {
		for _, l := range p.open {
			l.putStart(p.start)
		}
		return p.start
	}, nil)
}

func (d *Disk) writeCleaned() error {
	return d.writePoints(CleanerCheckpoint, func(p *checkpoints) map[model.TopicPartition]model.Offset {
		for _, l := range p.open {
			l.putCleaned(p.cleaned)
		}
		return p.cleaned
	}, nil)
}

// writePoints writes one of the files. written, where not nil, is called when that is
// durable, and before the file is written again.
func (d *Disk) writePoints(name string, collect func(*checkpoints) map[model.TopicPartition]model.Offset, written func()) error {
	p := &d.points
	p.write.Lock()
	defer p.write.Unlock()
	p.mu.Lock()
	if !p.loaded { // nothing was ever opened: the files, if any, are right
		p.mu.Unlock()
		return nil
	}
	data := formatOffsetCheckpoint(collect(p))
	p.mu.Unlock()
	if err := d.WriteFile(name, data); err != nil {
		return err
	}
	if written != nil {
		written()
	}
	return nil
}

// WriteFile replaces a small file of the directory, durably. Where that fails the
// directory is fenced.
func (d *Disk) WriteFile(name string, data []byte) error {
	if err := d.Err(); err != nil {
		return err
	}
	if err := vfs.WriteFileAtomically(d.fs, filepath.Join(d.dir, name), data); err != nil {
		return d.fail("write "+name, err)
	}
	return nil
}
