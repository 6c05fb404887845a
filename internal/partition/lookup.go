package partition

import (
	"context"
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// ErrOffsetNotAvailable: this node has just become leader, and does not know yet
// how far its predecessor had committed (KIP-207), or follows and has not got that far
// (KIP-392). The caller asks again.
var ErrOffsetNotAvailable = errors.New("high watermark has not reached the start of the leader epoch yet")

// bound is the end (exclusive) of what a reader may be told of.
func (o Offsets) bound(i Isolation) model.Offset {
	switch i {
	case ReadCommitted:
		return o.LastStable
	case ReadLogEnd:
		return o.End
	case ReadUncommitted:
	}
	return o.HighWatermark
}

// LatestOffset is the offset that the next visible record will have.
func (p *Partition) LatestOffset(known model.LeaderEpoch, i Isolation) (storage.TimestampOffset, error) {
	o, err := p.visible(known)
	if err != nil {
		return storage.TimestampOffset{}, err
	}
	return storage.TimestampOffset{Timestamp: model.NoTimestamp, Offset: o.bound(i), LeaderEpoch: p.State().LeaderEpoch}, nil
}

// EarliestOffset is the offset of the first record.
func (p *Partition) EarliestOffset(known model.LeaderEpoch) (storage.TimestampOffset, error) {
	if err := p.check(known); err != nil {
		return storage.TimestampOffset{}, err
	}
	start := p.log().StartOffset()
	epoch, ok := p.log().EpochAt(start)
	if !ok {
		epoch = model.NoLeaderEpoch
	}
	return storage.TimestampOffset{Timestamp: model.NoTimestamp, Offset: start, LeaderEpoch: epoch}, nil
}

// OffsetForTimestamp is the first visible record with a timestamp of at least
// ts; false where there is none.
func (p *Partition) OffsetForTimestamp(known model.LeaderEpoch, ts model.Timestamp, i Isolation) (storage.TimestampOffset, bool, error) {
	o, err := p.visible(known)
	if err != nil {
		return storage.TimestampOffset{}, false, err
	}
	found, err := onLog(p, func(l *storage.Log) (f foundTime, err error) {
		f.at, f.ok, err = l.OffsetForTimestamp(ts, o.bound(i))
		return f, err
	})
	if err != nil {
		err = fmt.Errorf("look up time %d in %s: %w", ts, p.name, err)
	}
	return found.at, found.ok, err
}

// MaxTimestamp is the visible record with the greatest timestamp, the first of
// them (KIP-734); false where there is no record.
func (p *Partition) MaxTimestamp(known model.LeaderEpoch, i Isolation) (storage.TimestampOffset, bool, error) {
	o, err := p.visible(known)
	if err != nil {
		return storage.TimestampOffset{}, false, err
	}
	found, err := onLog(p, func(l *storage.Log) (f foundTime, err error) {
		f.at, f.ok, err = l.MaxTimestamp(o.bound(i))
		return f, err
	})
	if err != nil {
		err = fmt.Errorf("look up latest time in %s: %w", p.name, err)
	}
	return found.at, found.ok, err
}

// foundTime is a record that was looked for by its time; ok: there is one.
type foundTime struct {
	at storage.TimestampOffset
	ok bool
}

// visible is the offsets, once they are known not to go back.
func (p *Partition) visible(known model.LeaderEpoch) (Offsets, error) {
	if err := p.check(known); err != nil {
		return Offsets{}, err
	}
	o := p.Offsets()
	if o.HighWatermark < p.State().EpochStart {
		return Offsets{}, ErrOffsetNotAvailable
	}
	return o, nil
}

// EpochEnd is where the newest leader epoch not newer than asked ends.
func (p *Partition) EpochEnd(known, asked model.LeaderEpoch) (storage.EpochEnd, error) {
	if err := p.check(known); err != nil {
		return storage.EpochEnd{}, err
	}
	return p.log().EpochEnd(asked), nil
}

// DeleteRecords moves the log's start to before, or to the high watermark where
// before is NoOffset, and returns the new start once it is durable.
func (p *Partition) DeleteRecords(ctx context.Context, before model.Offset) (model.Offset, error) {
	if err := p.check(model.NoLeaderEpoch); err != nil {
		return 0, err
	}
	o := p.Offsets()
	if before == model.NoOffset {
		before = o.HighWatermark
	}
	if before < 0 || before > o.HighWatermark {
		return 0, &OffsetOutOfRangeError{Asked: before, Start: o.Start, End: o.HighWatermark}
	}
	if before > o.Start {
		_, err := onLog(p, func(l *storage.Log) (struct{}, error) { return struct{}{}, l.AdvanceStart(before) })
		if err != nil {
			return 0, fmt.Errorf("delete records of %s: %w", p.name, err)
		}
		p.startMoved()
	}
	return p.log().StartOffset(), ctx.Err()
}

// startMoved tells readers and followers.
func (p *Partition) startMoved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakeFollowersLocked()
	p.notifyLocked()
}

// Producers lists the producers whose state the log keeps.
func (p *Partition) Producers() ([]storage.ProducerState, error) {
	if err := p.check(model.NoLeaderEpoch); err != nil {
		return nil, err
	}
	return p.log().Producers(), nil
}

// Directory is the log directory that the partition is in, as clients are told.
func (p *Partition) Directory() string { return p.home.Load().Name }

// SizeBytes is the size of the log on disk.
func (p *Partition) SizeBytes() int64 { return p.log().Size() }
