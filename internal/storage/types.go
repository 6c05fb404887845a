package storage

import (
	"log/slog"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// Options say which log to open, and where.
type Options struct {
	FS             vfs.FS
	Disk           *Disk  // group commit and checkpoints of the data directory
	Dir            string // the partition's directory; made where it does not exist
	TopicPartition model.TopicPartition
	Config         Config
	Logger         *slog.Logger
	// CleanShutdown: the directory was closed in order, so nothing is torn and
	// recovery only reads where the log ends.
	CleanShutdown bool
	// Durable is told each time what counts as durable has grown, with the end
	// of it (exclusive). It is called on one of the disk's goroutines with no
	// lock held; it must not block, nor call Close or Delete. Keep the maximum:
	// when flush.messages or flush.ms change, two calls may overtake each other.
	Durable func(end model.Offset)
	// Progress, where not nil, is told about a recovery that takes longer than
	// a second or two, about once a second.
	Progress func(RecoveryProgress)
}

// RecoveryProgress tells how far a recovery has come.
type RecoveryProgress struct {
	BytesChecked, BytesTotal int64
}

// Recovered tells what Open found and mended.
type Recovered struct {
	Clean            bool          // nothing had to be checked
	SegmentsChecked  int           // segments at or above the recovery point
	BatchesChecked   int64         // batches whose CRC was verified
	BytesChecked     int64         //
	BytesCut         int64         // torn tail that was cut off; a tail of zeros is not counted
	SegmentsCut      int           // whole segments after a torn one that were dropped
	IndexesRebuilt   int           // index files that were missing or did not fit
	LeftoversRemoved int           // files of interrupted deletes, cleanings and swaps
	ProducersLoaded  int           // producers known after replay
	Took             time.Duration //
}

// Origin is who made the batches of an append; it decides what is checked.
type Origin int8

const (
	// FromClient: everything is checked, control batches are refused.
	FromClient Origin = iota
	// FromCoordinator: written by this broker: group and transaction state,
	// and end-transaction markers. Sequences are not checked.
	FromCoordinator
)

// Append is how a leader appends.
type Append struct {
	LeaderEpoch model.LeaderEpoch // stamped into every batch
	Origin      Origin
	Now         model.Timestamp // the broker's clock; 0: time.Now
}

// Appended is where the batches of one append went.
type Appended struct {
	BaseOffset    model.Offset    // of the first record
	EndOffset     model.Offset    // exclusive: wait for this to be durable
	LogAppendTime model.Timestamp // NoTimestamp where the producer's times were kept
	StartOffset   model.Offset    // the log's
	Duplicate     bool            // the batch was there already; the offsets are those of the first time, BaseOffset NoOffset where it is no longer known
}

// Read says what to read.
type Read struct {
	From        model.Offset
	To          model.Offset // exclusive; batches that reach beyond it are left out
	MaxBytes    int
	MinOneBatch bool // the first batch is returned even where it alone exceeds MaxBytes
	// Passes tells that the reader goes on from here to the log's end, as consumers do: what
	// it had to have read from the disk need not stay in memory behind it.
	Passes bool
	Buffer []byte // used where its capacity suffices; may be nil
	// Grow returns buf, which it may use again, with room for n more bytes; nil: what it
	// allocates is left to the collector.
	Grow func(buf []byte, n int) []byte
}

func (r *Read) grow(buf []byte, n int) []byte {
	if r.Grow != nil {
		return r.Grow(buf, n)
	}
	return append(make([]byte, 0, len(buf)+n), buf...)
}

// ReadResult is what was read.
type ReadResult struct {
	// Batches are whole batches, the first of which holds or follows From (it
	// may begin before it). Its memory is Read.Buffer where that sufficed, or of Read.Grow.
	Batches []byte
	// NextOffset is where to go on: after the last batch, or From where there is none.
	NextOffset model.Offset
	// Cold tells that some of it came from the disk, and not from memory; see GiveWay.
	Cold bool
}

// EpochEnd answers OffsetForLeaderEpoch.
type EpochEnd struct {
	Epoch     model.LeaderEpoch // the greatest epoch at most the asked one; NoLeaderEpoch where unknown
	EndOffset model.Offset      // where that epoch ends (exclusive); NoOffset where unknown
}

// TimestampOffset is a record found by its time.
type TimestampOffset struct {
	Timestamp   model.Timestamp
	Offset      model.Offset
	LeaderEpoch model.LeaderEpoch
}

// Aborted is an aborted transaction that overlaps a fetch.
type Aborted struct {
	ProducerID  model.ProducerID
	FirstOffset model.Offset
}

// ProducerState describes a producer (DescribeProducers).
type ProducerState struct {
	ProducerID       model.ProducerID
	ProducerEpoch    model.ProducerEpoch
	LastSequence     model.Sequence
	LastTimestamp    model.Timestamp
	CoordinatorEpoch int32        // of the last marker; -1: none
	TxnStartOffset   model.Offset // of its open transaction; NoOffset: none
}

// Retained tells what Retain removed.
type Retained struct {
	Segments    int
	Bytes       int64
	StartOffset model.Offset // the log's start afterwards
}

// CleanOptions bound one pass of the cleaner.
type CleanOptions struct {
	Now       time.Time
	EndOffset model.Offset // nothing at or above is cleaned: the high watermark or last stable offset
	MapBytes  int          // memory for the offset map; 0: 4 MiB (log.cleaner.dedupe.buffer.size)
}

// Cleaned tells what one pass of the cleaner did.
type Cleaned struct {
	SegmentsRead, SegmentsWritten int
	BytesRead, BytesWritten       int64
	RecordsRead, RecordsKept      int64
	DirtyStart                    model.Offset // what is below has been cleaned
}

// Cleanable tells how much of the log waits for the cleaner.
type Cleanable struct {
	DirtyBytes, TotalBytes int64
	Ratio                  float64
	MustClean              bool // max.compaction.lag.ms has passed for the oldest dirty record
}
