package storage

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// The cleaner (cleanup.policy=compact) keeps, of the records of a key, the
// newest, and drops the others. It follows Kafka's:
//
//	0            cleanedTo          uncleanable           end
//	├──── clean ─────┼──── dirty ────────┼─── not touched ───┤
//
// A pass reads the dirty part and notes for each key the offset of its newest
// record (offsetMap), as far as memory allows. Then it copies the segments below
// that, clean and dirty, leaving out records whose key has a newer one, and
// replaces them group by group (compact_swap.go). Offsets never change. What is
// not touched: the segment that is written, what is at or above the caller's
// bound (high watermark, last stable offset), and what is younger than
// min.compaction.lag.ms.
//
// Tombstones (null values) and transaction markers without transaction stay for
// delete.retention.ms after the pass that first saw them; the time until when is
// put in the batch's header (KIP-534). The last batch of each producer stays,
// if need be without records, so that its sequence number survives.
//
// Appends and reads go on meanwhile; only swapping files takes the log's locks.

// Cleanable tells how much of the log waits for the cleaner.
func (l *Log) Cleanable(now model.Timestamp, end model.Offset) (Cleanable, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return Cleanable{}, err
	}
	c := l.config()
	if !c.Compact {
		return Cleanable{}, nil
	}
	n, err := l.cleanableSegments(now, end)
	if err != nil {
		return Cleanable{}, fmt.Errorf("look at %s: %w", l.tp, err)
	}
	var r Cleanable
	for i, s := range l.segments[:n] {
		size := s.size.Load()
		r.TotalBytes += size
		if l.segments[i+1].base <= l.cleanedTo {
			continue
		}
		r.DirtyBytes += size
		if c.MaxCompactionLag > 0 && c.MaxCompactionLag != never && !r.MustClean {
			e, err := s.largest(&l.disk.handles)
			if err != nil {
				return Cleanable{}, err
			}
			r.MustClean = e.timestamp >= 0 && now.Time().Sub(e.timestamp.Time()) > c.MaxCompactionLag
		}
	}
	if r.TotalBytes > 0 {
		r.Ratio = float64(r.DirtyBytes) / float64(r.TotalBytes)
	}
	return r, nil
}

// cleanableSegments is how many of the oldest segments may be cleaned.
func (l *Log) cleanableSegments(now model.Timestamp, end model.Offset) (int, error) {
	lag := l.config().MinCompactionLag
	for i := range l.segments[:len(l.segments)-1] {
		if l.segments[i+1].base > end {
			return i, nil
		}
		if lag <= 0 {
			continue
		}
		e, err := l.segments[i].largest(&l.disk.handles)
		if err != nil {
			return 0, err
		}
		if e.timestamp >= 0 && now.Time().Sub(e.timestamp.Time()) < lag {
			return i, nil
		}
	}
	return len(l.segments) - 1, nil
}

// Clean makes one pass of the cleaner over the log. Where there is too much for
// the memory it is given, DirtyStart tells how far it came.
func (l *Log) Clean(o CleanOptions) (Cleaned, error) {
	l.cleaning.Lock()
	defer l.cleaning.Unlock()
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	pass, err := l.beginPass(o)
	if err != nil || pass == nil {
		return Cleaned{}, err
	}
	if err := pass.run(); err != nil {
		return pass.done, fmt.Errorf("clean %s: %w", l.tp, err)
	}
	return pass.done, nil
}

// beginPass takes what a pass works on. Everything it touches must be below the
// recovery point in its file, because recovery allows gaps only there.
func (l *Log) beginPass(o CleanOptions) (*cleanPass, error) {
	if err := l.checkpoint(); err != nil {
		return nil, err
	}
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return nil, err
	}
	now := model.TimestampOf(o.Now)
	n, err := l.cleanableSegments(now, min(o.EndOffset, l.recoveryPoint))
	if err != nil {
		return nil, fmt.Errorf("clean %s: %w", l.tp, err)
	}
	if n == 0 || !l.config().Compact || l.segments[n].base <= l.cleanedTo {
		return nil, nil
	}
	if err := l.disk.writeRecoveryPoints(); err != nil {
		return nil, err
	}
	p := &cleanPass{
		log: l, now: now, segments: l.segments[:n], end: l.segments[n].base,
		start: l.start, dirty: max(l.cleanedTo, l.segments[0].base),
		config: *l.config(), generation: l.generation,
		newest: newOffsetMap(o.MapBytes), lastOf: make(map[model.ProducerID]lastBatch, len(l.write.producers.byID)),
	}
	for _, s := range l.segments {
		list, err := s.aborted.all(&l.disk.handles)
		if err != nil {
			return nil, fmt.Errorf("clean %s: %w", l.tp, err)
		}
		for _, a := range list {
			if a.first < p.end {
				p.aborted = append(p.aborted, a)
			}
		}
	}
	for id, producer := range l.write.producers.byID {
		last := lastBatch{epoch: producer.epoch, offset: model.NoOffset}
		if producer.sent > 0 {
			last.offset = producer.window[producer.sent-1].lastOffset
		}
		p.lastOf[id] = last
	}
	return p, nil
}

// lastBatch is the batch of a producer that must stay: the last with data, or
// the marker of its last epoch.
type lastBatch struct {
	epoch  model.ProducerEpoch
	offset model.Offset // NoOffset: it has none with data
}
