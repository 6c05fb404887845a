package record

import "github.com/chronik/chronik/internal/model"

// DecompressedBytesMaxDefault is what a batch may decompress to where Limits do
// not say: Kafka's default for a whole request, so no batch a client could have
// sent uncompressed is refused compressed.
const DecompressedBytesMaxDefault = 100 << 20

// Limits bound what reading a batch may cost.
type Limits struct {
	// DecompressedBytesMax is how many bytes the records may decompress to; 0:
	// DecompressedBytesMaxDefault. Memory in use stays far below it: records are
	// read as a stream, and only the largest one is held whole (by Reader).
	DecompressedBytesMax int
}

func (l Limits) decompressedBytesMax() int64 {
	if l.DecompressedBytesMax <= 0 {
		return DecompressedBytesMaxDefault
	}
	return int64(l.DecompressedBytesMax)
}

// Rules are what a batch from a client is held to.
type Rules struct {
	Limits
	// RequireKeys refuses null keys (a compacted topic).
	RequireKeys bool
	// AllowControl takes control batches, which only a coordinator may write.
	AllowControl bool
	// CheckTimestamps holds every timestamp but NoTimestamp to
	// [EarliestTimestamp, LatestTimestamp], both inclusive.
	CheckTimestamps                    bool
	EarliestTimestamp, LatestTimestamp model.Timestamp
}

// Summary is what a check of the records found.
type Summary struct {
	// MaxTimestamp is the largest timestamp of the records. The header may say
	// otherwise; SetMaxTimestamp mends that.
	MaxTimestamp model.Timestamp
	// MaxTimestampOffsetDelta is the first record that has it.
	MaxTimestampOffsetDelta int32
	// RecordBytes is the size of the records, decompressed.
	RecordBytes int64
}
