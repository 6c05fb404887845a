package record

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/chronik/chronik/internal/model"
)

// Producer is an idempotent producer's mark on a batch.
type Producer struct {
	ID           model.ProducerID
	Epoch        model.ProducerEpoch
	BaseSequence model.Sequence
}

// BuildOptions say what batches a Builder makes.
type BuildOptions struct {
	Codec       Codec
	Level       int // 0 and LevelDefault: the codec's own default
	BaseOffset  model.Offset
	LeaderEpoch model.LeaderEpoch
	// Producer is nil where the batch is of none.
	Producer      *Producer
	Transactional bool
	Control       bool
	// LogAppendTime marks the timestamps as the broker's.
	LogAppendTime bool
	// DeleteHorizon is the time from which tombstones may go (KIP-534); 0: none.
	DeleteHorizon model.Timestamp
}

// OptionsOf are options for a batch like b, for compaction.
func OptionsOf(b Batch) BuildOptions {
	a := b.Attributes()
	o := BuildOptions{
		Codec:         a.Codec(),
		BaseOffset:    b.BaseOffset(),
		LeaderEpoch:   b.LeaderEpoch(),
		Transactional: a.Transactional(),
		Control:       a.Control(),
		LogAppendTime: a.LogAppendTime(),
	}
	if b.ProducerID() >= 0 {
		o.Producer = &Producer{ID: b.ProducerID(), Epoch: b.ProducerEpoch(), BaseSequence: b.BaseSequence()}
	}
	if a.DeleteHorizon() {
		o.DeleteHorizon = b.BaseTimestamp()
	}
	return o
}

// Builder puts records into one batch. It does not bound it: its caller looks at
// Size before it appends.
type Builder struct {
	options BuildOptions
	buf     []byte // HeaderSize bytes, then the records, uncompressed

	count        int32
	last         int32 // offset delta of the last record; -1: none
	lastReserved int32 // as SetLastOffset has it; -1: not called
	base, max    model.Timestamp
}

// NewBuilder makes a builder.
func NewBuilder(o BuildOptions) *Builder {
	if !o.Codec.known() {
		panic(fmt.Sprintf("record: build with codec %d", o.Codec))
	}
	b := &Builder{}
	b.Reset(o)
	return b
}

// Reset begins another batch.
func (b *Builder) Reset(o BuildOptions) {
	var header [HeaderSize]byte
	*b = Builder{options: o, buf: append(b.buf[:0], header[:]...), last: -1, lastReserved: -1, base: model.NoTimestamp, max: model.NoTimestamp}
	if o.DeleteHorizon > 0 {
		b.base = o.DeleteHorizon
	}
}

// Count is how many records there are.
func (b *Builder) Count() int { return int(b.count) }

// Size is the bytes of the batch so far, before compression.
func (b *Builder) Size() int { return len(b.buf) }

// Append adds a record at the next offset. Nil is null, for key and value.
func (b *Builder) Append(ts model.Timestamp, key, value []byte, headers ...Header) {
	b.append(b.last+1, ts, key, value, headers)
}

// AppendAt adds a record at an offset behind the last one's: compaction leaves
// gaps.
func (b *Builder) AppendAt(offset model.Offset, ts model.Timestamp, key, value []byte, headers ...Header) {
	delta := offset - b.options.BaseOffset
	if delta <= model.Offset(b.last) || delta > math.MaxInt32 {
		panic(fmt.Sprintf("record: append at %d, base %d, last delta %d", offset, b.options.BaseOffset, b.last))
	}
	b.append(int32(delta), ts, key, value, headers)
}

// SetLastOffset makes the batch cover the offsets up to last, whether there are
// records at them or not: a compacted batch keeps its range, so that a producer's
// sequence numbers still follow from it.
func (b *Builder) SetLastOffset(last model.Offset) {
	delta := last - b.options.BaseOffset
	if delta < model.Offset(b.last) || delta < 0 || delta > math.MaxInt32 {
		panic(fmt.Sprintf("record: last offset %d, base %d, last delta %d", last, b.options.BaseOffset, b.last))
	}
	b.lastReserved = int32(delta)
}

func (b *Builder) append(delta int32, ts model.Timestamp, key, value []byte, headers []Header) {
	if b.count == 0 {
		b.max = ts
		if b.options.DeleteHorizon <= 0 {
			b.base = ts
		}
	}
	b.max = max(b.max, ts)
	tsDelta := int64(ts - b.base)
	size := 1 + varintSize(tsDelta) + varintSize(int64(delta)) + sizeOfBytes(key) + sizeOfBytes(value) + varintSize(int64(len(headers)))
	for i := range headers {
		size += varintSize(int64(len(headers[i].Key))) + len(headers[i].Key) + sizeOfBytes(headers[i].Value)
	}
	buf := appendVarint(b.buf, int64(size))
	buf = append(buf, 0) // attributes
	buf = appendVarint(buf, tsDelta)
	buf = appendVarint(buf, int64(delta))
	buf = appendBytes(buf, key)
	buf = appendBytes(buf, value)
	buf = appendVarint(buf, int64(len(headers)))
	for i := range headers {
		buf = appendVarint(buf, int64(len(headers[i].Key)))
		buf = append(buf, headers[i].Key...)
		buf = appendBytes(buf, headers[i].Value)
	}
	b.buf = buf
	b.last = delta
	b.count++
}

func sizeOfBytes(v []byte) int {
	if v == nil {
		return varintSize(-1)
	}
	return varintSize(int64(len(v))) + len(v)
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return appendVarint(b, -1)
	}
	b = appendVarint(b, int64(len(v)))
	return append(b, v...)
}

// Build makes the batch, which is the caller's from then on; the builder has to
// be Reset before it is used again. A batch without records is one that
// SetLastOffset gave a range.
func (b *Builder) Build() Batch {
	last := max(b.last, b.lastReserved)
	if last < 0 {
		panic("record: build a batch of nothing")
	}
	out := Batch(b.buf)
	if b.options.Codec != CodecNone && b.count > 0 {
		out = appendCompressed(make([]byte, HeaderSize, HeaderSize+len(b.buf)/2), b.options.Codec, b.options.Level, b.buf[HeaderSize:])
	} else {
		b.buf = nil // handed over
	}
	b.putHeader(out, last)
	return out
}

func (b *Builder) putHeader(out Batch, last int32) {
	o := &b.options
	p := Producer{ID: model.NoProducerID, Epoch: model.NoProducerEpoch, BaseSequence: model.NoSequence}
	if o.Producer != nil {
		p = *o.Producer
	}
	out.SetBaseOffset(o.BaseOffset)
	out.SetLeaderEpoch(o.LeaderEpoch)
	out[posMagic] = magicV2
	out.setAttributes(b.attributes())
	binary.BigEndian.PutUint32(out[posLastOffsetDelta:], uint32(last))
	binary.BigEndian.PutUint64(out[posBaseTimestamp:], uint64(b.base))
	binary.BigEndian.PutUint64(out[posMaxTimestamp:], uint64(b.max))
	binary.BigEndian.PutUint64(out[posProducerID:], uint64(p.ID))
	binary.BigEndian.PutUint16(out[posProducerEpoch:], uint16(p.Epoch))
	binary.BigEndian.PutUint32(out[posBaseSequence:], uint32(p.BaseSequence))
	binary.BigEndian.PutUint32(out[posCount:], uint32(b.count))
	out.seal()
}

func (b *Builder) attributes() Attributes {
	o := &b.options
	a := Attributes(o.Codec)
	if b.count == 0 {
		a = Attributes(CodecNone)
	}
	if o.LogAppendTime {
		a |= attrLogAppendTime
	}
	if o.Transactional {
		a |= attrTransactional
	}
	if o.Control {
		a |= attrControl
	}
	if o.DeleteHorizon > 0 {
		a |= attrDeleteHorizon
	}
	return a
}

// seal writes the length and the CRC.
func (b Batch) seal() {
	if len(b)-LengthPrefix > math.MaxInt32 {
		panic(fmt.Sprintf("record: batch of %d bytes", len(b)))
	}
	binary.BigEndian.PutUint32(b[posLength:], uint32(len(b)-LengthPrefix))
	b.sealCRC()
}

// WithoutRecords is what compaction leaves of a batch whose records are all
// gone, while its producer's last sequence number must still be known: the
// header, with no records in it.
func (b Batch) WithoutRecords() Batch {
	out := append(Batch(nil), b[:HeaderSize]...)
	out.setAttributes(b.Attributes() &^ (attrCodecMask | attrDeleteHorizon))
	binary.BigEndian.PutUint64(out[posBaseTimestamp:], uint64(b.MaxTimestamp()))
	binary.BigEndian.PutUint32(out[posCount:], 0)
	out.seal()
	return out
}
