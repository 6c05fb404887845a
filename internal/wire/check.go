package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// stringMax is the longest string that Kafka takes, in either encoding.
const stringMax = math.MaxInt16

// MalformedError is a request body that is not laid out as its key and version
// demand, or that would cost too much to decode.
type MalformedError struct {
	Key, Version int16
	Offset       int // into the body, where the walk gave up
	Reason       string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("malformed request (key %d, version %d): %s at byte %d of the body", e.Key, e.Version, e.Reason, e.Offset)
}

// CheckBody walks the body of a request, without decoding it, and returns the
// most that decoding it would allocate, in bytes. The error is a
// *MalformedError: where the body is not well-formed, or would cost more than
// 1 MiB and four times its length.
//
// kmsg believes an array's length where as many bytes are left, and allocates
// the whole array of structs before it reads the first: a frame of 4 MiB makes
// it take 300. It also counts down a tagged fields' length that no bytes
// follow: four billion turns for five bytes. So nothing is decoded that has
// not been walked.
//
// The walk is stricter than Kafka 4.3 in three points in which no client
// differs: tags must ascend, a tagged field must be exactly as long as it
// says, and null is -1, not any negative length. Bytes after the body are
// ignored, as Kafka ignores them. It allocates nothing but the error, and
// skips strings, bytes and records without looking at them.
func CheckBody(key, version int16, body []byte) (cost int, err error) {
	cost, _, err = walk(key, version, body)
	return cost, err
}

// walk is CheckBody, and returns also where the body ended.
func walk(key, version int16, body []byte) (cost, end int, err error) {
	first, last, ok := Versions(key)
	if !ok || version < first || version > last {
		return 0, 0, &MalformedError{Key: key, Version: version, Reason: reasonUnknown}
	}
	r := &requests[key]
	w := walker{
		body:     body,
		end:      len(body),
		version:  int8(version),
		flexible: int8(version) >= r.flexible,
		budget:   costLimit(len(body)),
	}
	ok = w.spend(int(structs[r.root].size), 1)
	if r.bytes {
		ok = ok && w.spend(len(body), 1) // Decode's copy
	}
	if !ok || !w.structure(&structs[r.root]) {
		return w.cost, w.pos, &MalformedError{Key: key, Version: version, Offset: w.pos, Reason: w.reason}
	}
	return w.cost, w.pos, nil
}

// walker is the state of a walk. Its methods return false once the body is
// refused, with the reason set. They call each other only as deep as the
// schema's structs nest, which a test bounds.
type walker struct {
	body        []byte
	pos         int // ≤ end
	end         int // exclusive: of the body, or of the tagged field being walked; ≤ len(body)
	version     int8
	flexible    bool
	cost        int // ≤ budget
	budget      int
	unknownTags int
	reason      string
}

const (
	reasonShort   = "the body ends early"
	reasonCost    = "decoding it would take more memory than its size allows"
	reasonNull    = "null where the version has no null"
	reasonLength  = "a negative length"
	reasonTags    = "too many unknown tagged fields"
	reasonUnknown = "no known layout of this key and version"
)

func (w *walker) fail(reason string) bool {
	w.reason = reason
	return false
}

// spend counts an allocation of count elements of size bytes.
func (w *walker) spend(size, count int) bool {
	left := w.budget - w.cost
	if count > left/max(size, 1) { // so the product cannot overflow
		return w.fail(reasonCost)
	}
	bytes := allocated(size * count)
	if bytes > left {
		return w.fail(reasonCost)
	}
	w.cost += bytes
	return true
}

func (w *walker) skip(n int) bool {
	if n > w.end-w.pos {
		return w.fail(reasonShort)
	}
	w.pos += n
	return true
}

func (w *walker) structure(s *structSchema) bool {
	plain := fields[s.first:s.tagged]
	for i := range plain {
		f := &plain[i]
		if w.version < f.first || w.version > f.last {
			continue
		}
		if f.kind == kindFixed {
			if !w.skip(int(f.width)) {
				return false
			}
		} else if !w.field(f) {
			return false
		}
	}
	return !w.flexible || w.tags(s)
}

// field walks a field of any kind that is there in this version.
func (w *walker) field(f *fieldSchema) bool {
	switch f.kind {
	case kindFixed:
		return w.skip(int(f.width))
	case kindString:
		return w.text(f)
	case kindBytes:
		n, ok := w.bytesLength()
		if !ok || n < 0 {
			return ok && w.null(f)
		}
		return w.skip(n)
	case kindStruct:
		return w.value(f)
	default:
		return w.array(f)
	}
}

// null reports whether f may be null in this version.
func (w *walker) null(f *fieldSchema) bool {
	if w.version < f.nullFirst || w.version > f.nullLast {
		return w.fail(reasonNull)
	}
	return true
}

func (w *walker) text(f *fieldSchema) bool {
	n, ok := w.stringLength()
	if !ok || n < 0 {
		return ok && w.null(f)
	}
	if f.pointer && !w.spend(stringHeaderSize, 1) {
		return false
	}
	return w.skip(n) && w.spend(n, 1)
}

// value walks a struct that is a field. Where it may be null a byte tells, and
// kmsg holds it behind a pointer.
func (w *walker) value(f *fieldSchema) bool {
	s := &structs[f.sub]
	if w.version < f.nullFirst || w.version > f.nullLast {
		return w.structure(s)
	}
	if !w.skip(1) {
		return false
	}
	switch int8(w.body[w.pos-1]) {
	case -1:
		return true
	case 1:
		return w.spend(int(s.size), 1) && w.structure(s)
	default:
		return w.fail("a struct neither null nor there")
	}
}

func (w *walker) array(f *fieldSchema) bool {
	n, ok := w.arrayLength()
	if !ok || n < 0 {
		return ok && w.null(f)
	}
	switch f.element {
	case kindFixed:
		// The division: a count times a width may overflow on 32 bits.
		if n > (w.end-w.pos)/int(f.width) {
			return w.fail(reasonShort)
		}
		w.pos += n * int(f.width)
		return w.spend(int(f.width), n)
	case kindStruct:
		return w.structs(n, &structs[f.sub])
	default:
		return w.texts(n)
	}
}

// structs walks n structs. Each takes at least one byte, so n, and with it the
// loop, is bounded by the bytes that are left.
func (w *walker) structs(n int, s *structSchema) bool {
	if n > w.end-w.pos {
		return w.fail(reasonShort)
	}
	if !w.spend(int(s.size), n) {
		return false
	}
	for range n {
		if !w.structure(s) {
			return false
		}
	}
	return true
}

// texts walks n strings, none of which may be null.
func (w *walker) texts(n int) bool {
	if n > w.end-w.pos {
		return w.fail(reasonShort)
	}
	if !w.spend(stringHeaderSize, n) {
		return false
	}
	for range n {
		size, ok := w.stringLength()
		if !ok {
			return false
		}
		if size < 0 {
			return w.fail(reasonNull)
		}
		if !w.skip(size) || !w.spend(size, 1) {
			return false
		}
	}
	return true
}

// tags walks the tagged fields at a struct's end.
//
//	count uvarint │ count × ( tag uvarint │ size uvarint │ size bytes )
func (w *walker) tags(s *structSchema) bool {
	count, ok := w.uvarint()
	if !ok {
		return false
	}
	if count == 0 {
		return true
	}
	unknown := 0
	next := uint64(0) // the lowest tag that may follow
	for range count { // ends with the body: each takes two bytes at least
		tag, ok := w.uvarint()
		if !ok {
			return false
		}
		size, ok := w.uvarint()
		if !ok {
			return false
		}
		if uint64(tag) < next {
			return w.fail("tags that do not ascend")
		}
		next = uint64(tag) + 1
		if uint64(size) > uint64(w.end-w.pos) {
			return w.fail(reasonShort)
		}
		if f := taggedField(s, tag); f != nil {
			if !w.tagged(f, int(size)) {
				return false
			}
			continue
		}
		w.pos += int(size)
		unknown++
	}
	return w.spendTags(unknown)
}

// taggedField is the field of s that has the tag, or nil.
func taggedField(s *structSchema, tag uint32) *fieldSchema {
	tagged := fields[s.tagged:s.end]
	for i := range tagged {
		if uint32(tagged[i].tag) == tag {
			return &tagged[i]
		}
	}
	return nil
}

// tagged walks a known tagged field. kmsg decodes it in every version, so one
// that its version does not have is refused, as by Kafka.
func (w *walker) tagged(f *fieldSchema, size int) bool {
	if w.version < f.first || w.version > f.last {
		return w.fail("a tag that the version does not have")
	}
	outer := w.end
	w.end = w.pos + size
	if !w.field(f) {
		return false
	}
	if w.pos != w.end {
		return w.fail("a tagged field shorter than its size")
	}
	w.end = outer
	return true
}

// spendTags counts the map that kmsg makes of a struct's unknown tags.
func (w *walker) spendTags(n int) bool {
	w.unknownTags += n
	if w.unknownTags > unknownTagsMax {
		return w.fail(reasonTags)
	}
	cost := tagsCost(n)
	if cost > w.budget-w.cost {
		return w.fail(reasonCost)
	}
	w.cost += cost
	return true
}

// The lengths: -1 is null. Compact ones are one more than the length, 0 is
// null (KIP-482).

func (w *walker) stringLength() (int, bool) {
	if w.flexible {
		n, ok := w.uvarint()
		if ok && n > stringMax+1 {
			return 0, w.fail("a string of more than 32767 bytes")
		}
		return int(n) - 1, ok
	}
	if !w.skip(2) {
		return 0, false
	}
	n := int(int16(binary.BigEndian.Uint16(w.body[w.pos-2:])))
	if n < -1 {
		return 0, w.fail(reasonLength)
	}
	return n, true
}

func (w *walker) bytesLength() (int, bool) { return w.arrayLength() }

func (w *walker) arrayLength() (int, bool) {
	if w.flexible {
		n, ok := w.uvarint()
		if ok && n > math.MaxInt32 {
			return 0, w.fail(reasonLength)
		}
		return int(n) - 1, ok
	}
	if !w.skip(4) {
		return 0, false
	}
	n := int(int32(binary.BigEndian.Uint32(w.body[w.pos-4:])))
	if n < -1 {
		return 0, w.fail(reasonLength)
	}
	return n, true
}

// uvarint reads a varint of at most 32 bits. Like Kafka and kmsg it takes
// encodings that are longer than they need to be.
func (w *walker) uvarint() (uint32, bool) {
	if w.pos < w.end && w.body[w.pos] < 0x80 {
		w.pos++
		return uint32(w.body[w.pos-1]), true
	}
	n, width := binary.Uvarint(w.body[w.pos:min(w.pos+binary.MaxVarintLen32, w.end)])
	switch {
	case width > 0 && n <= math.MaxUint32:
		w.pos += width
		return uint32(n), true
	case width == 0 && w.end-w.pos < binary.MaxVarintLen32:
		return 0, w.fail(reasonShort)
	default:
		return 0, w.fail("a varint of more than 32 bits")
	}
}
