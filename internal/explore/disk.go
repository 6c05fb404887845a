package explore

import (
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// entry is a record in a log. Value names what a client sent: it tells two records
// apart that one leader has written at one offset in one epoch, which must not be.
type entry struct {
	epoch model.LeaderEpoch
	value uint8
}

type epochStart struct {
	epoch model.LeaderEpoch
	start model.Offset
}

// diskLog is a log that begins at 0, with one record an offset. Its slices are
// copied before they are changed: clones share them.
type diskLog struct {
	entries []entry
	epochs  []epochStart
	// synced is the end of what survives a loss of power for certain.
	synced model.Offset
}

// StartOffset implements replica.Log.
func (l *diskLog) StartOffset() model.Offset { return 0 }

// EndOffset implements replica.Log.
func (l *diskLog) EndOffset() model.Offset { return model.Offset(len(l.entries)) }

// LastEpoch implements replica.Log.
func (l *diskLog) LastEpoch() model.LeaderEpoch {
	if len(l.epochs) == 0 {
		return model.NoLeaderEpoch
	}
	return l.epochs[len(l.epochs)-1].epoch
}

// EpochEnd implements replica.Log.
func (l *diskLog) EpochEnd(e model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	end := l.EndOffset()
	for _, s := range slices.Backward(l.epochs) {
		if s.epoch <= e {
			return s.epoch, end
		}
		end = s.start
	}
	return model.NoLeaderEpoch, 0
}

// startEpoch records where an epoch starts; epochs without records that start at
// the same place leave no trace.
func (l *diskLog) startEpoch(e model.LeaderEpoch, start model.Offset) {
	if e == l.LastEpoch() {
		return
	}
	keep := len(l.epochs)
	for keep > 0 && l.epochs[keep-1].start >= start {
		keep--
	}
	l.epochs = append(slices.Clone(l.epochs[:keep]), epochStart{e, start})
}

func (l *diskLog) append(e entry) {
	l.startEpoch(e.epoch, l.EndOffset())
	l.entries = append(slices.Clip(l.entries), e)
}

// truncate cuts the log to end, and the history with it.
func (l *diskLog) truncate(end model.Offset) {
	l.entries = l.entries[:min(end, l.EndOffset())]
	for len(l.epochs) > 0 && l.epochs[len(l.epochs)-1].start >= end {
		l.epochs = l.epochs[:len(l.epochs)-1]
	}
	l.synced = min(l.synced, l.EndOffset())
}
