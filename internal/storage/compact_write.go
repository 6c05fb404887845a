package storage

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// cleanGroup copies what stays of some neighbouring segments to one, and puts it
// in their place. Where nothing goes from a lone segment it is left as it is.
func (p *cleanPass) cleanGroup(group []*segment) error {
	w, err := p.newWriter(group[0])
	if err != nil {
		return p.log.disk.fail("create cleaned segment", err)
	}
	changed := len(group) > 1
	for _, s := range group {
		p.done.SegmentsRead++
		p.done.BytesRead += s.size.Load()
		err := p.batches(s, func(b record.Batch) (bool, error) {
			if p.log.stopping.Load() {
				return false, errCleanStopped
			}
			different, err := p.copy(w, b)
			changed = changed || different
			return true, err
		})
		if err != nil {
			return errors.Join(err, w.discard())
		}
	}
	endKept, err := w.keepEnd()
	if err != nil {
		return err
	}
	changed = changed || !endKept
	if !changed {
		return w.discard()
	}
	if err := w.finish(); err != nil {
		return w.log.disk.fail("write cleaned segment", err)
	}
	p.done.SegmentsWritten++
	p.done.BytesWritten += w.s.size.Load()
	return p.swap(group, w.s)
}

// copy writes what stays of a batch, and tells whether that is less.
func (p *cleanPass) copy(w *cleanWriter, b record.Batch) (changed bool, err error) {
	changed = w.endDropped() // the end of a former group stands in the middle now, and goes
	kept, ended, different, err := p.clean(b)
	if err != nil {
		return false, err
	}
	if ended != nil {
		if err := w.s.aborted.add(w.log.fs, *ended); err != nil {
			return false, w.log.disk.fail("write transaction index", err)
		}
	}
	w.end = endOf(b, kept != nil)
	if kept == nil {
		return changed || different && !w.end.placeholder, nil
	}
	return changed || different, w.add(kept)
}

// cleanWriter writes a cleaned segment.
type cleanWriter struct {
	log *Log
	s   *segment
	buf []byte
	end groupEnd
}

// groupEnd is the last batch that was read of a group. Where nothing of it
// stays, an empty batch takes its place, so that the cleaned segment reaches as
// far as those it replaces: recovery knows by that which they are.
type groupEnd struct {
	offset      model.Offset // of its last record
	epoch       model.LeaderEpoch
	read, kept  bool
	placeholder bool // it is such an empty batch, of a former pass
}

func endOf(b record.Batch, kept bool) groupEnd {
	return groupEnd{
		offset: b.LastOffset(), epoch: b.LeaderEpoch(), read: true, kept: kept,
		placeholder: b.Count() == 0 && b.ProducerID() == model.NoProducerID && b.LastOffsetDelta() == 0,
	}
}

// endDropped: a placeholder was left out, and is not the end.
func (w *cleanWriter) endDropped() bool { return w.end.placeholder && !w.end.kept }

// keepEnd writes the placeholder where it is needed, and tells whether the end
// is what it was.
func (w *cleanWriter) keepEnd() (same bool, err error) {
	if !w.end.read || w.end.kept {
		return true, nil
	}
	empty := record.NewBuilder(record.BuildOptions{BaseOffset: w.end.offset, LeaderEpoch: w.end.epoch})
	empty.SetLastOffset(w.end.offset)
	return w.end.placeholder, w.add(empty.Build())
}

func (p *cleanPass) newWriter(first *segment) (*cleanWriter, error) {
	l := p.log
	s := newSegment(l.dir, first.base)
	s.offsets.path += cleanedSuffix
	s.times.path += cleanedSuffix
	s.aborted.path += cleanedSuffix
	w := &cleanWriter{log: l, s: s}
	for _, name := range w.paths() {
		l.disk.handles.forget(name)
		if err := removeIfExists(l.fs, name); err != nil {
			return nil, err
		}
	}
	f, err := l.fs.Create(s.logPath() + cleanedSuffix)
	if err != nil {
		return nil, err
	}
	s.file = newHandle(f)
	return w, nil
}

// paths are the files, the .log last.
func (w *cleanWriter) paths() []string {
	return []string{w.s.offsets.path, w.s.times.path, w.s.aborted.path, w.s.logPath() + cleanedSuffix}
}

func (w *cleanWriter) add(b record.Batch) error {
	at := w.s.size.Load() + int64(len(w.buf))
	if err := w.s.add(w.log.fs, b, at, w.log.config().IndexIntervalBytes); err != nil {
		return w.log.disk.fail("write cleaned index", err)
	}
	w.buf = append(w.buf, b...)
	if len(w.buf) < cleanWindow {
		return nil
	}
	return w.flush()
}

func (w *cleanWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	if _, err := w.s.file.WriteAt(w.buf, w.s.size.Load()); err != nil {
		return w.log.disk.fail("write cleaned segment", err)
	}
	w.s.size.Add(int64(len(w.buf)))
	w.buf = w.buf[:0]
	return nil
}

// finish makes the files complete and durable.
func (w *cleanWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.s.seal(w.log.fs); err != nil {
		return err
	}
	if err := w.s.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", w.s.logPath(), err)
	}
	if err := w.s.syncIndexes(w.log.fs); err != nil {
		return err
	}
	w.s.file.release()
	w.s.file = nil
	return nil
}

// discard removes what was written.
func (w *cleanWriter) discard() error {
	if w.s.file != nil {
		w.s.file.release()
		w.s.file = nil
	}
	for _, name := range w.paths() {
		w.log.disk.handles.forget(name)
		if err := removeIfExists(w.log.fs, name); err != nil {
			return w.log.disk.fail("remove "+name, err)
		}
	}
	return nil
}
