package sim

import (
	"bytes"
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
)

// partitionLog is a partition's log on a simulated disk: the batches as they are
// in the page cache, and how much of them is on the platter. Batches are never
// changed once they are in a log, so that replicas share them.
type partitionLog struct {
	start   model.Offset
	batches []record.Batch
	epochs  storage.Epochs
	// synced is the end of what survives a power loss for certain.
	synced model.Offset

	// sequences is the producers' state: memory, rebuilt from the batches.
	sequences *storage.Sequences
}

func newPartitionLog() *partitionLog {
	return &partitionLog{sequences: storage.NewSequences()}
}

// StartOffset implements replica.Log.
func (l *partitionLog) StartOffset() model.Offset { return l.start }

// EndOffset implements replica.Log.
func (l *partitionLog) EndOffset() model.Offset {
	if len(l.batches) == 0 {
		return l.start
	}
	return l.batches[len(l.batches)-1].NextOffset()
}

// LastEpoch implements replica.Log.
func (l *partitionLog) LastEpoch() model.LeaderEpoch { return l.epochs.Last() }

// EpochEnd implements replica.Log.
func (l *partitionLog) EpochEnd(e model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	return l.epochs.EndOf(e, l.start, l.EndOffset())
}

// appendLeader gives a client's batch its offset and epoch, and appends it. The
// epoch's start has been recorded.
func (l *partitionLog) appendLeader(sent record.Batch, e model.LeaderEpoch) record.Batch {
	b := record.Batch(bytes.Clone(sent))
	b.SetBaseOffset(l.EndOffset())
	b.SetLeaderEpoch(e)
	l.add(b)
	return b
}

// appendFollower appends a leader's batch as it is.
func (l *partitionLog) appendFollower(b record.Batch) {
	l.epochs.Begin(b.LeaderEpoch(), b.BaseOffset())
	l.add(b)
}

func (l *partitionLog) add(b record.Batch) {
	l.batches = append(l.batches, b)
	l.sequences.Add(b)
}

// at is the place of the first batch that begins at or after an offset.
func (l *partitionLog) at(o model.Offset) int {
	i, _ := slices.BinarySearchFunc(l.batches, o, func(b record.Batch, o model.Offset) int {
		return int(min(max(b.BaseOffset()-o, -1), 1))
	})
	return i
}

// from is at most count batches from an offset on.
func (l *partitionLog) from(o model.Offset, count int) []record.Batch {
	i := l.at(o)
	return l.batches[i:min(i+count, len(l.batches))]
}

// truncate cuts the log to end, and the history with it.
func (l *partitionLog) truncate(end model.Offset) {
	l.batches = slices.Clone(l.batches[:l.at(end)])
	l.epochs.TruncateEnd(end)
	if len(l.batches) == 0 {
		l.start = min(l.start, end)
	}
	l.synced = min(l.synced, l.EndOffset())
	l.rebuild()
}

// startOver drops everything and begins at start.
func (l *partitionLog) startOver(start model.Offset) {
	l.batches, l.epochs, l.start, l.synced = nil, storage.Epochs{}, start, start
	l.rebuild()
}

// advanceStart drops what lies below start.
func (l *partitionLog) advanceStart(start model.Offset) {
	if start <= l.start {
		return
	}
	i := l.at(start)
	if i > 0 && l.batches[i-1].NextOffset() > start {
		i-- // what start lies in stays
	}
	l.start = start
	if l.batches = slices.Clone(l.batches[i:]); len(l.batches) > 0 {
		l.start = l.batches[0].BaseOffset()
	}
	l.synced = max(l.synced, l.start)
	l.epochs.TruncateStart(l.start)
}

func (l *partitionLog) rebuild() {
	l.sequences = storage.NewSequences()
	for _, b := range l.batches {
		l.sequences.Add(b)
	}
}

// losePower keeps what was synced, and as many of the other batches as the disk
// happens to have written: a prefix, for recovery cuts at the first that is torn.
func (l *partitionLog) losePower(kept int) (lost int) {
	unsynced := l.batches[l.at(l.synced):]
	kept = min(kept, len(unsynced))
	lost = len(unsynced) - kept
	if lost > 0 {
		l.truncate(unsynced[kept].BaseOffset())
	}
	return lost
}
