package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/chronik/chronik/internal/model"
)

// The layout of a batch, big endian. The broker writes the first and the third
// field; the CRC (Castagnoli) covers all from @21 on, and so not those.
//
//	@0                              @8              @12             @16 @17             @21
//	┌───────────────────────────────┬───────────────┬───────────────┬───┬───────────────┐
//	│ baseOffset              int64 │ length  int32 │ epoch   int32 │mgc│ crc    uint32 │
//	└───────────────────────────────┴───────────────┴───────────────┴───┴───────────────┘
//	@21     @23             @27                             @35                             @43
//	┌───────┬───────────────┬───────────────────────────────┬───────────────────────────────┐
//	│ attrs │ lastOffset-   │ baseTimestamp           int64 │ maxTimestamp            int64 │
//	│ int16 │ Delta   int32 │ (or the delete horizon)       │                               │
//	└───────┴───────────────┴───────────────────────────────┴───────────────────────────────┘
//	@43                             @51     @53             @57             @61
//	┌───────────────────────────────┬───────┬───────────────┬───────────────┬───────────────┐
//	│ producerId              int64 │ epoch │ base-         │ count   int32 │ records …     │
//	│                               │ int16 │ Sequence int32│               │               │
//	└───────────────────────────────┴───────┴───────────────┴───────────────┴───────────────┘
//
// length counts the bytes from @12 on; epoch is the leader's at @12, the
// producer's at @51; mgc is the magic, int8, 2. The records are compressed as one
// where the attributes name a codec.
//
// A record; every number but attributes is a zigzag varint, lengths of -1 mean null
// (key and value only):
//
//	length │ attributes int8 │ timestampDelta │ offsetDelta │ keyLength │ key │
//	valueLength │ value │ headerCount │ { keyLength │ key │ valueLength │ value }…
const (
	// HeaderSize is the bytes of a batch before its records.
	HeaderSize = 61
	// LengthPrefix is the bytes that the length field does not count.
	LengthPrefix = 12

	posBaseOffset      = 0
	posLength          = 8
	posLeaderEpoch     = 12
	posMagic           = 16
	posCRC             = 17
	posAttributes      = 21 // the CRC covers everything from here
	posLastOffsetDelta = 23
	posBaseTimestamp   = 27
	posMaxTimestamp    = 35
	posProducerID      = 43
	posProducerEpoch   = 51
	posBaseSequence    = 53
	posCount           = 57

	magicV2 = 2
	// legacySizeMin is the smallest message of formats 0 and 1, after the prefix.
	legacySizeMin = 14
)

// castagnoli is the polynomial of RFC 3720. It never changes.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is exactly one whole batch, header and records. Accessors read in place,
// and panic on fewer than HeaderSize bytes: a Batch comes from Split or Build.
type Batch []byte

// Split cuts the first batch off b. It looks at the length and the magic only,
// and allocates nothing where that is well. ErrTruncated: b ends too early (the
// caller may have more); ErrCorrupt, ErrUnsupportedMagic: no batch begins here.
func Split(b []byte) (first Batch, rest []byte, err error) {
	if len(b) < posMagic+1 {
		return nil, b, fmt.Errorf("%d bytes: %w", len(b), ErrTruncated)
	}
	length := int32(binary.BigEndian.Uint32(b[posLength:]))
	if magic := int8(b[posMagic]); magic != magicV2 && length >= legacySizeMin {
		return nil, b, fmt.Errorf("magic %d: %w", magic, ErrUnsupportedMagic)
	}
	if length < HeaderSize-LengthPrefix {
		return nil, b, fmt.Errorf("batch length %d is below %d: %w", length, HeaderSize-LengthPrefix, ErrCorrupt)
	}
	// In 64 bits: on a 32-bit machine the sum could wrap.
	if size := int64(length) + LengthPrefix; size > int64(len(b)) {
		return nil, b, fmt.Errorf("%d bytes of a batch of %d: %w", len(b), size, ErrTruncated)
	}
	end := int(length) + LengthPrefix
	return Batch(b[:end:end]), b[end:], nil
}

// SizeOf tells the size of the batch that begins with prefix, of which at least
// LengthPrefix bytes must be there. The size is a claim: nothing is checked but
// that it is one a batch can have.
func SizeOf(prefix []byte) (int64, error) {
	if len(prefix) < LengthPrefix {
		return 0, fmt.Errorf("%d bytes: %w", len(prefix), ErrTruncated)
	}
	length := int32(binary.BigEndian.Uint32(prefix[posLength:]))
	if length < HeaderSize-LengthPrefix {
		return 0, fmt.Errorf("batch length %d is below %d: %w", length, HeaderSize-LengthPrefix, ErrCorrupt)
	}
	return int64(length) + LengthPrefix, nil
}

func (b Batch) int16At(pos int) int16 { return int16(binary.BigEndian.Uint16(b[pos:])) }
func (b Batch) int32At(pos int) int32 { return int32(binary.BigEndian.Uint32(b[pos:])) }
func (b Batch) int64At(pos int) int64 { return int64(binary.BigEndian.Uint64(b[pos:])) }

// BaseOffset is the offset from which the records count. After compaction there
// may be no record at it.
func (b Batch) BaseOffset() model.Offset { return model.Offset(b.int64At(posBaseOffset)) }

// LastOffset is the last offset the batch covers, inclusive.
func (b Batch) LastOffset() model.Offset {
	return b.BaseOffset() + model.Offset(b.LastOffsetDelta())
}

// NextOffset is the offset after the batch.
func (b Batch) NextOffset() model.Offset { return b.LastOffset() + 1 }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() model.LeaderEpoch {
	return model.LeaderEpoch(b.int32At(posLeaderEpoch))
}

// Magic is the version of the format; here always 2 once checked.
func (b Batch) Magic() int8 { return int8(b[posMagic]) }

// CRC is the checksum in the header.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[posCRC:]) }

// Attributes are the flags.
func (b Batch) Attributes() Attributes { return Attributes(b.int16At(posAttributes)) }

// LastOffsetDelta is LastOffset less BaseOffset.
func (b Batch) LastOffsetDelta() int32 { return b.int32At(posLastOffsetDelta) }

// BaseTimestamp is what the records' timestamps count from: the first record's,
// or the delete horizon.
func (b Batch) BaseTimestamp() model.Timestamp { return model.Timestamp(b.int64At(posBaseTimestamp)) }

// MaxTimestamp is the largest timestamp of the records, or the time of the
// append where Attributes say so.
func (b Batch) MaxTimestamp() model.Timestamp { return model.Timestamp(b.int64At(posMaxTimestamp)) }

// ProducerID is the idempotent producer's id, or NoProducerID.
func (b Batch) ProducerID() model.ProducerID { return model.ProducerID(b.int64At(posProducerID)) }

// ProducerEpoch goes with ProducerID.
func (b Batch) ProducerEpoch() model.ProducerEpoch {
	return model.ProducerEpoch(b.int16At(posProducerEpoch))
}

// BaseSequence is the sequence number of the first record, or NoSequence.
func (b Batch) BaseSequence() model.Sequence { return model.Sequence(b.int32At(posBaseSequence)) }

// LastSequence is the sequence number of the last record. Sequences wrap from
// MaxInt32 to 0; a batch without them has NoSequence.
func (b Batch) LastSequence() model.Sequence {
	base := b.BaseSequence()
	if base < 0 {
		return model.NoSequence
	}
	return model.Sequence((uint32(base) + uint32(b.LastOffsetDelta())) & 0x7fffffff)
}

// Count is how many records the batch says it has.
func (b Batch) Count() int32 { return b.int32At(posCount) }

// Payload is the records as they stand, compressed or not.
func (b Batch) Payload() []byte { return b[HeaderSize:] }

// SetBaseOffset and SetLeaderEpoch write fields that the CRC does not cover.
func (b Batch) SetBaseOffset(o model.Offset) {
	binary.BigEndian.PutUint64(b[posBaseOffset:], uint64(o))
}

// SetLeaderEpoch writes the epoch of the leader that appends the batch.
func (b Batch) SetLeaderEpoch(e model.LeaderEpoch) {
	binary.BigEndian.PutUint32(b[posLeaderEpoch:], uint32(e))
}

// SetLogAppendTime gives every record the broker's time: it sets the attribute
// and the largest timestamp, and the CRC anew. The records' own timestamps stay
// in their bytes, compressed and all, and are not read any more (KIP-32).
func (b Batch) SetLogAppendTime(ts model.Timestamp) {
	b.setAttributes(b.Attributes() | attrLogAppendTime)
	binary.BigEndian.PutUint64(b[posMaxTimestamp:], uint64(ts))
	b.sealCRC()
}

// SetMaxTimestamp mends the header of a client that did not compute it, as
// Kafka does, and the CRC with it.
func (b Batch) SetMaxTimestamp(ts model.Timestamp) {
	binary.BigEndian.PutUint64(b[posMaxTimestamp:], uint64(ts))
	b.sealCRC()
}

func (b Batch) setAttributes(a Attributes) {
	binary.BigEndian.PutUint16(b[posAttributes:], uint16(a))
}

func (b Batch) sealCRC() {
	binary.BigEndian.PutUint32(b[posCRC:], crc32.Checksum(b[posAttributes:], castagnoli))
}

// CheckCRC compares the checksum with the bytes.
func (b Batch) CheckCRC() error {
	if got := crc32.Checksum(b[posAttributes:], castagnoli); got != b.CRC() {
		return fmt.Errorf("crc is %08x, header says %08x: %w", got, b.CRC(), ErrCorrupt)
	}
	return nil
}
