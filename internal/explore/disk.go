package explore

import (
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// entry is a record in a log. Value names what a client sent: it tells two records
// apart that one leader has written at one offset in one epoch, which must not be.
type entry struct {
	epoch model.LeaderEpoch
	value uint8
}

// diskLog is a log that begins at 0, with one record an offset. Its slices are
// copied before they are changed: clones share them.
type diskLog struct {
	entries []entry
	epochs  storage.Epochs
	// synced is the end of what survives a loss of power for certain.
	synced model.Offset
}

// StartOffset implements replica.Log.
func (l *diskLog) StartOffset() model.Offset { return 0 }

// EndOffset implements replica.Log.
func (l *diskLog) EndOffset() model.Offset { return model.Offset(len(l.entries)) }

// LastEpoch implements replica.Log.
func (l *diskLog) LastEpoch() model.LeaderEpoch { return l.epochs.Last() }

// EpochEnd implements replica.Log.
func (l *diskLog) EpochEnd(e model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	return l.epochs.EndOf(e, 0, l.EndOffset())
}

func (l *diskLog) append(e entry) {
	l.epochs.Begin(e.epoch, l.EndOffset())
	l.entries = append(slices.Clip(l.entries), e)
}

// truncate cuts the log to end, and the history with it.
func (l *diskLog) truncate(end model.Offset) {
	l.entries = l.entries[:min(end, l.EndOffset())]
	l.epochs.TruncateEnd(end)
	l.synced = min(l.synced, l.EndOffset())
}
