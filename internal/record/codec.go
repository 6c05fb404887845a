package record

import "fmt"

// Codec is how the records of a batch are compressed: the low three bits of the
// attributes.
type Codec int8

// The codecs Kafka has; 5 to 7 are not assigned.
const (
	CodecNone   Codec = 0
	CodecGzip   Codec = 1
	CodecSnappy Codec = 2
	CodecLZ4    Codec = 3
	CodecZstd   Codec = 4

	codecCount = 5
)

// String is the codec's name in `compression.type`.
func (c Codec) String() string {
	switch c {
	case CodecNone:
		return "none"
	case CodecGzip:
		return "gzip"
	case CodecSnappy:
		return "snappy"
	case CodecLZ4:
		return "lz4"
	case CodecZstd:
		return "zstd"
	}
	return fmt.Sprintf("codec-%d", int8(c))
}

// ParseCodec reads the name that String writes; "uncompressed" is none as well.
func ParseCodec(name string) (Codec, error) {
	if name == "uncompressed" {
		return CodecNone, nil
	}
	for c := CodecNone; c < codecCount; c++ {
		if c.String() == name {
			return c, nil
		}
	}
	return CodecNone, fmt.Errorf("codec %q: %w", name, ErrUnsupportedCodec)
}

func (c Codec) known() bool { return c >= CodecNone && c < codecCount }

// Attributes are a batch's flags.
//
//	15 ........ 7  6              5        4              3              2..0
//	   unused      delete horizon control  transactional  LogAppendTime  codec
type Attributes int16

const (
	attrCodecMask     Attributes = 0x07
	attrLogAppendTime Attributes = 1 << 3
	attrTransactional Attributes = 1 << 4
	attrControl       Attributes = 1 << 5
	attrDeleteHorizon Attributes = 1 << 6
)

// Codec tells how the records are compressed. It may be one that does not exist.
func (a Attributes) Codec() Codec { return Codec(a & attrCodecMask) }

// LogAppendTime tells that the broker's clock gave the timestamp: the header's
// MaxTimestamp is that of every record.
func (a Attributes) LogAppendTime() bool { return a&attrLogAppendTime != 0 }

// Transactional tells that the batch belongs to a transaction.
func (a Attributes) Transactional() bool { return a&attrTransactional != 0 }

// Control tells that the records are for brokers and clients, not for users.
func (a Attributes) Control() bool { return a&attrControl != 0 }

// DeleteHorizon tells that BaseTimestamp is the time from which compaction may
// drop the batch's tombstones and markers (KIP-534).
func (a Attributes) DeleteHorizon() bool { return a&attrDeleteHorizon != 0 }
