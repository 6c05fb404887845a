package storage

import (
	"fmt"
	"math"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// Append adds batches as the partition's leader. It checks them, answers
// batches of an idempotent producer that are there already with where they are,
// writes offsets and leader epoch into the headers in place (outside of the
// CRC), writes the bytes to the file, and has them synced. Batches are only
// encoded anew where compression.type or the timestamp type asks for it.
//
// Several batches are appended all or none. When Append returns they can be
// read; they are durable when Options.Durable is told of EndOffset. The slice
// is not kept.
//
// Crash points: until the group commit's sync has returned, any prefix of the
// batches may be found by recovery, and none of it was acknowledged.
func (l *Log) Append(batches []byte, a Append) (Appended, error) {
	c := l.config()
	a.Now = nowOr(a.Now)
	batches, err := l.inspect(batches, c, a)
	if err != nil {
		return Appended{}, fmt.Errorf("append to %s: %w", l.tp, err)
	}

	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return Appended{}, err
	}
	if last, ok := l.epochs.latest(); ok && a.LeaderEpoch < last.epoch {
		return Appended{}, fmt.Errorf("append to %s in epoch %d after %d: %w", l.tp, a.LeaderEpoch, last.epoch, ErrEpochBackwards)
	}
	dup, err := l.checkProducers(batches, a.Origin)
	if err != nil {
		return Appended{}, fmt.Errorf("append to %s: %w", l.tp, err)
	}
	logAppendTime := model.NoTimestamp
	if c.LogAppendTime {
		logAppendTime = a.Now
	}
	if dup != nil {
		if c.LogAppendTime {
			logAppendTime = dup.timestamp
		}
		return Appended{BaseOffset: dup.base, EndOffset: dup.end,
			LogAppendTime: logAppendTime, StartOffset: l.start, Duplicate: true}, nil
	}
	l.following.Store(false)
	base := l.end
	stamp(batches, base, a.LeaderEpoch, logAppendTime)
	r, err := nextRun(batches, math.MaxInt64)
	if err != nil {
		return Appended{}, err
	}
	if len(r.batches) < len(batches) {
		return Appended{}, fmt.Errorf("append to %s: %w", l.tp, ErrRecordListTooLarge)
	}
	if err := l.addRun(r, a.Now); err != nil {
		return Appended{}, err
	}
	return Appended{BaseOffset: base, EndOffset: l.end, LogAppendTime: logAppendTime, StartOffset: l.start}, nil
}

// AppendFollower adds batches that a leader has numbered. They must continue
// the log at its end. What they hold has been checked by the leader; here
// their frames and CRCs are.
func (l *Log) AppendFollower(batches []byte) (model.Offset, error) {
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err == nil {
			err = b.CheckCRC()
		}
		if err != nil {
			return model.NoOffset, fmt.Errorf("append to %s: %w", l.tp, err)
		}
		rest = after
	}
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return model.NoOffset, err
	}
	if err := l.checkContinues(batches); err != nil {
		return model.NoOffset, fmt.Errorf("append to %s: %w", l.tp, err)
	}
	l.following.Store(true)
	now := nowOr(0)
	limit := l.config().SegmentBytes
	for rest := batches; len(rest) > 0; {
		r, err := nextRun(rest, limit)
		if err != nil {
			return model.NoOffset, err
		}
		if err := l.addRun(r, now); err != nil {
			return model.NoOffset, err
		}
		rest = rest[len(r.batches):]
	}
	return l.end, nil
}

// checkContinues: offsets go upwards from the end of the log, and epochs do not go
// back. There may be gaps: a leader that compacts its log, or once did, has them, and
// that none of its batches is missing is for the conversation with it to see to
// (replica.Message).
func (l *Log) checkContinues(batches []byte) error {
	want := l.end
	epoch := model.LeaderEpoch(0)
	if last, ok := l.epochs.latest(); ok {
		epoch = last.epoch
	}
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return err
		}
		switch {
		case b.LastOffsetDelta() < 0:
			return fmt.Errorf("batch at %d has a last offset delta of %d: %w", b.BaseOffset(), b.LastOffsetDelta(), record.ErrCorrupt)
		case b.BaseOffset() < want:
			return fmt.Errorf("batch at %d, log ends at %d: %w", b.BaseOffset(), want, ErrOffsetGap)
		case b.LeaderEpoch() < epoch:
			return fmt.Errorf("batch at %d has epoch %d after %d: %w", b.BaseOffset(), b.LeaderEpoch(), epoch, ErrEpochBackwards)
		}
		if err := checkControl(b); err != nil {
			return err
		}
		want, epoch, rest = b.NextOffset(), b.LeaderEpoch(), after
	}
	return nil
}

// run is batches that go into one segment with one write.
type run struct {
	batches    []byte
	base, last model.Offset // inclusive
	newest     model.Timestamp
}

// nextRun is as many of the batches as fit into a segment, by bytes and by
// offsets, and at least one.
func nextRun(batches []byte, limit int64) (run, error) {
	var r run
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return run{}, err
		}
		n := len(batches) - len(after)
		if len(r.batches) == 0 {
			r.base, r.newest = b.BaseOffset(), b.MaxTimestamp()
		} else if int64(n) > limit || b.LastOffset()-r.base > relativeMax {
			break
		}
		r.batches, r.last, r.newest = batches[:n], b.LastOffset(), max(r.newest, b.MaxTimestamp())
		rest = after
	}
	return r, nil
}

// stamp numbers the batches. LogAppendTime changes what the CRC covers, so it
// is computed anew then.
func stamp(batches []byte, base model.Offset, epoch model.LeaderEpoch, logAppendTime model.Timestamp) {
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			panic(fmt.Sprintf("storage: batches were split before: %v", err))
		}
		b.SetBaseOffset(base)
		b.SetLeaderEpoch(epoch)
		if logAppendTime != model.NoTimestamp {
			b.SetLogAppendTime(logAppendTime)
		}
		base, rest = b.NextOffset(), after
	}
}

// addRun writes batches that are numbered to the last segment, or a new one
// where they do not fit, and publishes them. What it is given has been checked:
// nothing but the disk can fail now.
func (l *Log) addRun(r run, now model.Timestamp) error {
	s, err := l.segmentWithRoom(r, now)
	if err != nil {
		return err
	}
	at := s.size.Load()
	if err := l.writeRun(s, r.batches, at); err != nil {
		return l.disk.fail("append to "+s.logPath(), err)
	}
	for rest := r.batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			panic(fmt.Sprintf("storage: batches were split before: %v", err))
		}
		if err := l.addBatch(s, b, at); err != nil {
			return err
		}
		at, rest = at+int64(len(b)), after
	}
	l.noteTransactions()
	l.publish(s, at, r.last+1)
	return nil
}

// addBatch brings indexes, epochs and producers up to a batch that stands in
// the file.
func (l *Log) addBatch(s *segment, b record.Batch, position int64) error {
	if err := s.add(l.fs, b, position, l.config().IndexIntervalBytes); err != nil {
		return l.disk.fail("write index of "+s.logPath(), err)
	}
	if last, ok := l.epochs.latest(); !ok || b.LeaderEpoch() > last.epoch {
		l.assignEpoch(b.LeaderEpoch(), b.BaseOffset())
	}
	aborted, ok := replay(l.write.producers, b)
	if !ok {
		return nil
	}
	if err := s.aborted.add(l.fs, aborted); err != nil {
		return l.disk.fail("write transaction index", err)
	}
	return nil
}

// writeRun writes to the end of the segment's file.
func (l *Log) writeRun(s *segment, batches []byte, position int64) error {
	if _, err := s.file.WriteAt(batches, position); err != nil {
		return err
	}
	n := int64(len(batches))
	return l.writeAhead(s, n, position+n)
}
