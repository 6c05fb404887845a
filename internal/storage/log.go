package storage

import (
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// Log is one partition's log: segments of record batches, [StartOffset,
// EndOffset). All methods may be called concurrently.
//
// Invariants: start ≤ durable ≤ end, and segments ascend by base; the last one
// is written, the others are sealed. The first segment's base is at most start.
type Log struct {
	fs       vfs.FS
	disk     *Disk
	dir      string
	tp       model.TopicPartition
	logger   *slog.Logger
	durable  func(model.Offset)
	settings atomic.Pointer[Config]

	// write is held by whoever changes the log, and with it over the write to
	// the file: that is what puts appends in order. It is not held over a sync
	// on the way of an append. Readers do not need it.
	write struct {
		sync.Mutex
		producers   *producerTable
		snapshots   []model.Offset // offsets of the producer snapshots on disk, ascending
		epochsDirty bool           // epochs have changed since they were written
		ahead       aheadState
	}

	// cleaning is held over a pass of the cleaner, so that there is one at a
	// time. Order: cleaning, write, syncing, mu.
	cleaning sync.Mutex
	stopping atomic.Bool // the log is being closed: the cleaner should end

	following atomic.Bool  // what was appended last came from a leader
	read      atomic.Int64 // when it was last, by whoever asks; Unix nanoseconds

	// mu guards what readers see. It is never held over I/O but for renames
	// (compact_swap.go).
	mu sync.RWMutex
	published
	commitState
	cursors cursors
}

// published is what readers see of a log; Log.mu guards it.
type published struct {
	segments []*segment // replaced, never changed in place
	start    model.Offset
	end      model.Offset
	epochs   epochCache
	// generation grows when bytes below end are about to change: truncation,
	// removal and replacing of segments. A read that sees it change between its
	// beginning and its end begins again, because its bytes may be of two minds.
	generation uint64
	cleanedTo  model.Offset // the cleaner has been here (compact.go)
	closed     bool
}

// config is the settings now.
func (l *Log) config() *Config { return l.settings.Load() }

// SetConfig changes the settings for what comes after. Where they no longer let
// records go without a sync, those that have done so are synced.
func (l *Log) SetConfig(c Config) {
	c = c.withDefaults()
	if before := l.settings.Swap(&c); before != nil && before.Relaxed() && !c.Relaxed() {
		l.requestSync()
	}
}

// StartOffset is the first offset that can be read.
func (l *Log) StartOffset() model.Offset {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start
}

// EndOffset is the offset that the next record will get.
func (l *Log) EndOffset() model.Offset {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.end
}

// Size is the bytes of all segments.
func (l *Log) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var n int64
	for _, s := range l.segments {
		n += s.size.Load()
	}
	return n
}

// LatestEpoch is the greatest leader epoch that the log knows of.
func (l *Log) LatestEpoch() (model.LeaderEpoch, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	e, ok := l.epochs.latest()
	return e.epoch, ok
}

// EpochEnd answers where a leader epoch ends (KIP-279).
func (l *Log) EpochEnd(asked model.LeaderEpoch) EpochEnd {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epochs.end(asked, l.end)
}

// EpochAt is the leader epoch in which the record at offset was written.
func (l *Log) EpochAt(offset model.Offset) (model.LeaderEpoch, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epochs.at(offset)
}

// StartEpoch notes that a leader epoch begins at the log's end. An epoch that is known
// already is left as it is. It becomes durable with the first record of the epoch, in
// whose batch recovery finds it; one without records is forgotten by a crash, and nobody
// has anything of it. So a node that takes over thousands of partitions syncs nothing.
func (l *Log) StartEpoch(epoch model.LeaderEpoch) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if last, ok := l.LatestEpoch(); ok && epoch <= last {
		if epoch < last {
			return fmt.Errorf("start epoch %d of %s after %d: %w", epoch, l.tp, last, ErrEpochBackwards)
		}
		return nil
	}
	l.assignEpoch(epoch, l.end)
	return nil
}

// assignEpoch adds an epoch; the file follows with writeEpochs. Until it does,
// recovery finds the epoch in the batches: the recovery point stays below them.
func (l *Log) assignEpoch(epoch model.LeaderEpoch, start model.Offset) {
	if next, changed := l.epochs.assign(epoch, start); changed {
		l.mu.Lock()
		l.epochs = next
		l.mu.Unlock()
		l.write.epochsDirty = true
	}
}

// writeEpochs replaces the leader-epoch-checkpoint where it is out of date.
func (l *Log) writeEpochs() error {
	if !l.write.epochsDirty {
		return nil
	}
	if err := vfs.WriteFileAtomically(l.fs, l.path(epochsFile), l.epochs.format()); err != nil {
		return l.disk.fail("write leader epochs", err)
	}
	l.write.epochsDirty = false
	return nil
}

// FirstUnstableOffset is where the oldest open transaction begins.
func (l *Log) FirstUnstableOffset() (model.Offset, bool) {
	l.write.Lock()
	defer l.write.Unlock()
	return l.write.producers.firstUnstable()
}

// LastStableOffset is how far a read_committed consumer may read: the high
// watermark, or the start of the oldest transaction that is open or whose end
// marker the high watermark has not passed.
func (l *Log) LastStableOffset(highWatermark model.Offset) model.Offset {
	if !l.transactional.Load() {
		return highWatermark
	}
	l.write.Lock()
	defer l.write.Unlock()
	stable := l.write.producers.lastStable(highWatermark)
	l.noteTransactions()
	return stable
}

// noteTransactions spares LastStableOffset the lock where there are none.
func (l *Log) noteTransactions() {
	t := l.write.producers
	l.transactional.Store(len(t.open)+len(t.ended) > 0)
}

// Producers lists the producers that the log knows (DescribeProducers).
func (l *Log) Producers() []ProducerState {
	l.write.Lock()
	defer l.write.Unlock()
	return l.write.producers.describe()
}

// usable: operations other than reading begin with it.
func (l *Log) usable() error {
	if err := l.disk.Err(); err != nil {
		return fmt.Errorf("%s: %w", l.tp, err)
	}
	if l.closed { // written under write and mu; either suffices to read it
		return fmt.Errorf("%s: %w", l.tp, ErrClosed)
	}
	return nil
}

// active is the segment that is written. The caller holds write or mu.
func (l *Log) active() *segment { return l.segments[len(l.segments)-1] }

// segmentFor is the index of the segment that offset lies in: the last one
// whose base is at most offset; the first where none is.
func segmentFor(segments []*segment, offset model.Offset) int {
	return max(0, sort.Search(len(segments), func(i int) bool { return segments[i].base > offset })-1)
}

func nowOr(t model.Timestamp) model.Timestamp {
	if t == 0 {
		return model.TimestampOf(time.Now())
	}
	return t
}
