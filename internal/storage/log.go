package storage

import (
	"context"

	"github.com/chronik/chronik/internal/model"
)

// Log is one partition's log.
type Log struct{ o Options }

// Open opens or creates a log.
func Open(o Options) (*Log, Recovered, error) { return &Log{o: o}, Recovered{}, nil }

func (l *Log) SetConfig(Config)                                    {}
func (l *Log) Append(batches []byte, a Append) (Appended, error)   { return Appended{}, ErrClosed }
func (l *Log) AppendFollower(batches []byte) (model.Offset, error) { return 0, ErrClosed }
func (l *Log) Read(r Read) (ReadResult, error)                     { return ReadResult{}, ErrClosed }
func (l *Log) StartOffset() model.Offset                           { return 0 }
func (l *Log) EndOffset() model.Offset                             { return 0 }
func (l *Log) DurableEnd() model.Offset                            { return 0 }
func (l *Log) RecoveryPoint() model.Offset                         { return 0 }
func (l *Log) Size() int64                                         { return 0 }
func (l *Log) TruncateTo(to model.Offset) error                    { return ErrClosed }
func (l *Log) TruncateFullyAndStartAt(start model.Offset) error    { return ErrClosed }
func (l *Log) AdvanceStart(start model.Offset) error               { return ErrClosed }
func (l *Log) LatestEpoch() (model.LeaderEpoch, bool)              { return 0, false }
func (l *Log) EpochEnd(asked model.LeaderEpoch) EpochEnd           { return EpochEnd{} }
func (l *Log) StartEpoch(epoch model.LeaderEpoch) error            { return ErrClosed }
func (l *Log) OffsetForTimestamp(ts model.Timestamp, to model.Offset) (TimestampOffset, bool, error) {
	return TimestampOffset{}, false, ErrClosed
}
func (l *Log) MaxTimestamp(to model.Offset) (TimestampOffset, bool, error) {
	return TimestampOffset{}, false, ErrClosed
}

// FirstUnstableOffset is where the oldest open transaction begins.
func (l *Log) FirstUnstableOffset() (model.Offset, bool) { return 0, false }

// LastStableOffset is how far a read_committed consumer may read: the high
// watermark, or the start of the oldest transaction that is open or whose end
// marker the high watermark has not passed.
func (l *Log) LastStableOffset(highWatermark model.Offset) model.Offset     { return highWatermark }
func (l *Log) AbortedTransactions(from, to model.Offset) ([]Aborted, error) { return nil, ErrClosed }
func (l *Log) Producers() []ProducerState                                   { return nil }
func (l *Log) Retain(now model.Timestamp, highWatermark model.Offset) (Retained, error) {
	return Retained{}, ErrClosed
}
func (l *Log) Cleanable(now model.Timestamp, end model.Offset) (Cleanable, error) {
	return Cleanable{}, nil
}
func (l *Log) Clean(o CleanOptions) (Cleaned, error) { return Cleaned{}, ErrClosed }

// Flush waits until everything appended so far is synced.
func (l *Log) Flush(ctx context.Context) error { return ErrClosed }

// Close syncs the log and closes it.
func (l *Log) Close() error { return nil }

// Delete closes the log, renames its directory to <name>.<uuid>-delete, and
// removes it after file.delete.delay.ms.
func (l *Log) Delete() error { return nil }
