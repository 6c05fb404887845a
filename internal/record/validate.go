package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/chronik/chronik/internal/model"
)

// Validate is Inspect with no rule but the limits.
func (b Batch) Validate(l Limits) error {
	_, err := b.Inspect(Rules{Limits: l})
	return err
}

// Inspect checks a batch that a client sent, all of it: header, CRC, and every
// record, decompressing as a stream. It changes nothing, and allocates nothing
// where the batch is uncompressed and well.
//
// Errors: ErrTruncated, ErrCorrupt, ErrUnsupportedMagic, ErrUnsupportedCodec,
// ErrTooLarge, *InvalidRecordError, *InvalidTimestampError. A batch whose CRC is
// right and whose content is not is the client's doing, hence INVALID_RECORD and
// not CORRUPT_MESSAGE, which clients answer by sending it again.
func (b Batch) Inspect(r Rules) (Summary, error) {
	if err := b.checkFrame(); err != nil {
		return Summary{}, err
	}
	if err := b.CheckCRC(); err != nil {
		return Summary{}, err
	}
	if err := b.checkHeader(r); err != nil {
		return Summary{}, err
	}
	s := scan{rules: r, batch: b}
	if codec := b.Attributes().Codec(); codec != CodecNone {
		f, err := openInflater(codec, b.Payload(), r.decompressedBytesMax())
		if err != nil {
			return Summary{}, err
		}
		s.cursor = f.cursor()
		err = s.run()
		f.release(&s.cursor)
		return s.summary, err
	}
	s.cursor = sliceCursor(b.Payload())
	err := s.run()
	return s.summary, err
}

// checkFrame checks that b is one whole batch of version 2.
func (b Batch) checkFrame() error {
	if len(b) < HeaderSize {
		return fmt.Errorf("%d bytes: %w", len(b), ErrTruncated)
	}
	if m := b.Magic(); m != magicV2 {
		return fmt.Errorf("magic %d: %w", m, ErrUnsupportedMagic)
	}
	if size := int64(int32(binary.BigEndian.Uint32(b[posLength:]))) + LengthPrefix; size != int64(len(b)) {
		return fmt.Errorf("length says %d bytes, there are %d: %w", size, len(b), ErrCorrupt)
	}
	return nil
}

// checkHeader holds the header to what Kafka's leader asks of a client's batch.
func (b Batch) checkHeader(r Rules) error {
	a := b.Attributes()
	switch count := b.Count(); {
	case !a.Codec().known():
		return fmt.Errorf("codec %d: %w", int8(a.Codec()), ErrUnsupportedCodec)
	case count <= 0:
		return invalidBatch("count %d is not positive", count)
	case b.LastOffsetDelta() != count-1:
		return invalidBatch("last offset delta %d does not go with count %d", b.LastOffsetDelta(), count)
	case b.BaseOffset() < 0 || b.BaseOffset() > math.MaxInt64-model.Offset(count):
		return invalidBatch("base offset %d is out of range", b.BaseOffset())
	case a.Control() && !r.AllowControl:
		return invalidBatch("clients may not write control records")
	case a.DeleteHorizon():
		return invalidBatch("a delete horizon is the broker's to set")
	case a.LogAppendTime():
		return &InvalidTimestampError{Index: -1, Timestamp: b.MaxTimestamp(), Msg: "the timestamp type LogAppendTime is the broker's to set"}
	}
	return b.checkProducer(a)
}

func (b Batch) checkProducer(a Attributes) error {
	id := b.ProducerID()
	switch {
	case id < model.NoProducerID:
		return invalidBatch("producer id %d is negative", id)
	case id == model.NoProducerID && a.Transactional():
		return invalidBatch("a transactional batch needs a producer id")
	case id >= 0 && b.ProducerEpoch() < 0:
		return invalidBatch("producer epoch %d is negative", b.ProducerEpoch())
	case id >= 0 && b.BaseSequence() < 0 && !a.Control():
		return invalidBatch("base sequence %d is negative, with producer id %d", b.BaseSequence(), id)
	}
	return nil
}

// scan goes over the records of one batch.
type scan struct {
	cursor
	rules   Rules
	batch   Batch
	summary Summary

	nullKeys   []RecordError
	timestamps []RecordError
	badTime    model.Timestamp // of the first of timestamps
}

func (s *scan) run() error {
	s.summary.MaxTimestamp = math.MinInt64
	count := s.batch.Count()
	for i := range count {
		if p := s.record(i); p != "" {
			return s.broken(int(i), p)
		}
	}
	if !s.atEnd() {
		return s.broken(-1, problemRemaining)
	}
	if err := s.failure(); err != nil {
		return s.broken(-1, "")
	}
	s.summary.RecordBytes = s.consumed()
	return s.verdict()
}

// broken is the error for a batch that cannot be read on.
func (s *scan) broken(index int, p problem) error {
	err := s.failure()
	switch {
	case err == nil:
		return &InvalidRecordError{Index: index, Msg: string(p)}
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%d bytes: %w", s.rules.decompressedBytesMax(), ErrTooLarge)
	}
	return invalidBatch("%s: %v", s.batch.Attributes().Codec(), err)
}

// verdict reports what single records did wrong. Timestamps go first, as Kafka
// has it: a client cannot be answered with both codes.
func (s *scan) verdict() error {
	if len(s.timestamps) > 0 {
		return &InvalidTimestampError{Index: s.timestamps[0].Index, Timestamp: s.badTime, Msg: s.timestamps[0].Msg, Records: s.timestamps}
	}
	if len(s.nullKeys) > 0 {
		return &InvalidRecordError{Index: s.nullKeys[0].Index, Msg: s.nullKeys[0].Msg, Records: s.nullKeys}
	}
	return nil
}

// record checks one record and passes over it.
func (s *scan) record(index int32) problem {
	length, p := s.varint32()
	if p != "" {
		return p
	}
	if length < 0 {
		return "its length is negative"
	}
	end := s.consumed() + int64(length)
	if s.in == nil && end > int64(s.end) {
		return problemTruncated
	}
	if p := s.fields(index, end); p != "" {
		return p
	}
	if s.consumed() != end {
		return "its length is not that of its fields"
	}
	return ""
}

// fields checks what is in a record that claims to end at end.
func (s *scan) fields(index int32, end int64) problem {
	if !s.skip(1) { // attributes: unused, and not Kafka's to check
		return problemTruncated
	}
	delta, p := s.varint64()
	if p != "" {
		return p
	}
	offsetDelta, p := s.varint32()
	if p != "" {
		return p
	}
	if offsetDelta != index {
		return "its offset delta is not its index"
	}
	s.timestamp(index, delta)
	keyLength, p := s.skipField(end, -1)
	if p != "" {
		return p
	}
	if keyLength < 0 && s.rules.RequireKeys && len(s.nullKeys) < recordErrorsMax {
		s.nullKeys = append(s.nullKeys, RecordError{Index: int(index), Msg: "a compacted topic takes no record without a key"})
	}
	if _, p := s.skipField(end, -1); p != "" {
		return p
	}
	return s.skipHeaders(end)
}

func (s *scan) skipHeaders(end int64) problem {
	headers, p := s.varint32()
	if p != "" {
		return p
	}
	if headers < 0 {
		return "its number of headers is negative"
	}
	for range headers { // each takes bytes, and those end at end
		if _, p := s.skipField(end, 0); p != "" {
			return p
		}
		if _, p := s.skipField(end, -1); p != "" {
			return p
		}
	}
	return ""
}

// skipField passes over bytes behind their length, which is at least lengthMin.
func (s *scan) skipField(end int64, lengthMin int32) (int32, problem) {
	length, p := s.varint32()
	if p != "" {
		return 0, p
	}
	if length < lengthMin {
		return 0, "the length of a field is negative"
	}
	if length > 0 {
		if int64(length) > end-s.consumed() {
			return 0, "a field ends behind its record"
		}
		if !s.skip(int64(length)) {
			return 0, problemTruncated
		}
	}
	return length, ""
}

func (s *scan) timestamp(index int32, delta int64) {
	ts := s.batch.BaseTimestamp() + model.Timestamp(delta)
	if ts > s.summary.MaxTimestamp {
		s.summary.MaxTimestamp, s.summary.MaxTimestampOffsetDelta = ts, index
	}
	r := &s.rules
	if !r.CheckTimestamps || ts == model.NoTimestamp || ts >= r.EarliestTimestamp && ts <= r.LatestTimestamp {
		return
	}
	if len(s.timestamps) == 0 {
		s.badTime = ts
	}
	if len(s.timestamps) < recordErrorsMax {
		s.timestamps = append(s.timestamps, RecordError{Index: int(index), Msg: fmt.Sprintf(
			"timestamp %d is outside [%d, %d]", ts, r.EarliestTimestamp, r.LatestTimestamp)})
	}
}
