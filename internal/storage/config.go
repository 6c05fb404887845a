package storage

import (
	"math"
	"time"

	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/settings"
)

// Config is what a topic's settings say about one log. The zero value of a
// field means what the field's comment says; package partition fills it from
// the settings. SetConfig replaces it at any time.
type Config struct {
	SegmentBytes       int64         // segment.bytes; 0: 1 GiB
	SegmentAge         time.Duration // segment.ms; 0: no limit
	SegmentJitter      time.Duration // segment.jitter.ms
	IndexBytes         int           // segment.index.bytes: the most an index file may hold; 0: 10 MiB
	IndexIntervalBytes int           // index.interval.bytes; 0: 4096
	Preallocate        bool          // preallocate

	Delete          bool          // cleanup.policy contains delete
	Compact         bool          // cleanup.policy contains compact
	RetentionBytes  int64         // retention.bytes; negative: no limit
	RetentionAge    time.Duration // retention.ms; negative: no limit
	FileDeleteDelay time.Duration // file.delete.delay.ms

	MaxMessageBytes      int // max.message.bytes; 0: no limit
	MaxDecompressedBytes int // the most a batch may unpack to; 0: record's own default

	// FlushMessages and FlushInterval are flush.messages and flush.ms. Kafka's
	// default for both, math.MaxInt64, leaves syncing to the operating system.
	// Here that default, and 0, stand for "sync before it is durable": every
	// append goes through the disk's group commit and Options.Durable is called
	// after it. A value set on purpose relaxes that (see Relaxed): Durable is
	// called as soon as the bytes are written, and a sync follows after so many
	// records or so much time. flush.messages=1 is Kafka's own way to ask for
	// the strict form and gets it.
	FlushMessages int64
	FlushInterval time.Duration

	MinCompactionLag       time.Duration // min.compaction.lag.ms
	MaxCompactionLag       time.Duration // max.compaction.lag.ms; 0: no limit
	DeleteRetention        time.Duration // delete.retention.ms
	MinCleanableDirtyRatio float64       // min.cleanable.dirty.ratio

	LogAppendTime        bool          // message.timestamp.type=LogAppendTime
	TimestampBeforeMax   time.Duration // message.timestamp.before.max.ms; 0: no limit
	TimestampAfterMax    time.Duration // message.timestamp.after.max.ms; 0: no limit
	ProducerIDExpiration time.Duration // producer.id.expiration.ms; 0: 24 h

	// Compression is compression.type. Its zero value is "producer": batches
	// stay as they were sent.
	Compression Compression
}

// Compression is the codec that a topic's batches are stored with.
type Compression struct {
	Recompress bool // false: as the producer sent them
	Codec      record.Codec
	Level      int // 0: the codec's default
}

// never is how Kafka writes "not set" in a long.
const never = math.MaxInt64

// Relaxed reports whether records count as durable before they are synced,
// because flush.messages or flush.ms say so.
func (c Config) Relaxed() bool {
	return settings.FlushRelaxed(c.FlushMessages, c.FlushInterval)
}

// withDefaults fills in what the zero value stands for.
func (c Config) withDefaults() Config {
	setDefault(&c.SegmentBytes, 1<<30)
	setDefault(&c.IndexBytes, 10<<20)
	setDefault(&c.IndexIntervalBytes, 4096)
	setDefault(&c.MaxMessageBytes, math.MaxInt32)
	setDefault(&c.ProducerIDExpiration, 24*time.Hour)
	// A position in an index has 31 bits.
	c.SegmentBytes = min(c.SegmentBytes, math.MaxInt32)
	// Two entries of the larger kind, or every batch would want a new segment.
	c.IndexBytes = max(c.IndexBytes, 3*timeEntrySize)
	return c
}

func setDefault[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

func (c Config) limits() record.Limits {
	return record.Limits{DecompressedBytesMax: c.MaxDecompressedBytes}
}
