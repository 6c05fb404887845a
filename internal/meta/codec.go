package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/netip"

	"github.com/chronik/chronik/internal/model"
)

// A record on disk and on the wire:
//
//	┌──────────────┬────────────────┬────────────────┬──────────────┐
//	│ type uvarint │ layout uvarint │ length uvarint │ body, length │
//	└──────────────┴────────────────┴────────────────┴──────────────┘
//
// The body is the record's fields in the order of its encode method: whole
// numbers as zig-zag varints, unsigned ones as uvarints, ids as 16 bytes, texts
// and lists with their length as a uvarint in front, a bool as a byte 0 or 1.
//
// A later layout of a record only adds fields at the end. A later build gives missing
// fields their zero value. A layout, as a new type, is written only where the metadata
// version that it came with is in force, whatever the build: one that does not know it
// does not know the version either, and takes no part in the cluster.

// RecordType is the number of a kind of record. Numbers are never used again.
type RecordType uint8

// The kinds of records.
const (
	VersionType RecordType = iota + 1
	ClusterType
	TopicType
	PartitionType
	PartitionChangeType
	RemoveTopicType
	ConfigType
	RegisterBrokerType
	BrokerChangeType
	UnregisterBrokerType
	ProducerIDsType
	FlushChangeType
	ReplicasChangeType
)

// layoutOf is the layout of a type's body that is written where a version is in force.
func layoutOf(t RecordType, v Version) uint64 {
	switch t {
	case BrokerChangeType:
		return 2
	case PartitionType, PartitionChangeType:
		return 3
	case RegisterBrokerType:
		if v >= Version2 {
			return 4
		}
		return 3
	default:
		return 1
	}
}

// Record is one change of the metadata. Records are compared and applied as
// pointers; a record that has been handed on is not changed any more.
type Record interface {
	Type() RecordType
	// since is the first version in which the record can be written with all that is in
	// it: that of its type, or of a field that is not zero.
	since() Version
	// encode appends the fields that a layout has.
	encode(b []byte, layout uint64) []byte
	decode(d *decoder)
	apply(e *editor) error
}

// newRecord is an empty record of a type; nil where there is no such type.
func newRecord(t uint64) Record {
	if t > math.MaxUint8 {
		return nil
	}
	switch RecordType(t) {
	case VersionType:
		return new(VersionRecord)
	case ClusterType:
		return new(ClusterRecord)
	case TopicType:
		return new(TopicRecord)
	case PartitionType:
		return new(PartitionRecord)
	case PartitionChangeType:
		return new(PartitionChangeRecord)
	case RemoveTopicType:
		return new(RemoveTopicRecord)
	case ConfigType:
		return new(ConfigRecord)
	case RegisterBrokerType:
		return new(RegisterBrokerRecord)
	case BrokerChangeType:
		return new(BrokerChangeRecord)
	case UnregisterBrokerType:
		return new(UnregisterBrokerRecord)
	case ProducerIDsType:
		return new(ProducerIDsRecord)
	case FlushChangeType:
		return new(FlushChangeRecord)
	case ReplicasChangeType:
		return new(ReplicasChangeRecord)
	}
	return nil
}

// UnknownRecordError is a record of a type that only a later build knows.
type UnknownRecordError struct{ Type uint64 }

func (e *UnknownRecordError) Error() string {
	return fmt.Sprintf("metadata record of type %d, which this build of chronik does not know: start a later one", e.Type)
}

// ErrCorrupt is what the decoders say of bytes that no build has written.
var ErrCorrupt = errors.New("metadata record is corrupt")

// appendRecord appends the record's bytes to b, as they are written where a version is
// in force. Image.After refuses a record that the version does not have.
func appendRecord(b []byte, r Record, v Version) []byte {
	b, _ = appendRecordIn(b, nil, r, v)
	return b
}

// appendRecordIn is appendRecord with room for the body, which it returns for the next.
func appendRecordIn(b, room []byte, r Record, v Version) (appended, body []byte) {
	layout := layoutOf(r.Type(), v)
	b = binary.AppendUvarint(b, uint64(r.Type()))
	b = binary.AppendUvarint(b, layout)
	body = r.encode(room[:0], layout)
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...), body
}

// AppendRecords appends the bytes of all records to b, of which the first is written
// where a version is in force.
func AppendRecords(b []byte, records []Record, inForce Version) []byte {
	var body []byte
	for _, r := range records {
		if next, ok := r.(*VersionRecord); ok {
			inForce = next.Version
		}
		b, body = appendRecordIn(b, body, r, inForce)
	}
	return b
}

// DecodeRecords reads records to the end of b. The records keep nothing of b.
func DecodeRecords(b []byte) ([]Record, error) {
	var records []Record
	for r, err := range decodeEach(b) {
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// decodeEach yields records to the end of b, or to the first error.
func decodeEach(b []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for len(b) > 0 {
			r, rest, err := decodeRecord(b)
			if !yield(r, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

func decodeRecord(b []byte) (Record, []byte, error) {
	d := decoder{b: b}
	t, layout := d.uvarint(), d.uvarint()
	body := d.bytes()
	if d.failed || layout == 0 {
		return nil, nil, fmt.Errorf("%w: header", ErrCorrupt)
	}
	r := newRecord(t)
	if r == nil {
		return nil, nil, &UnknownRecordError{Type: t}
	}
	fields := decoder{b: body, layout: layout}
	r.decode(&fields)
	if fields.failed {
		return nil, nil, fmt.Errorf("%w: body of %T", ErrCorrupt, r)
	}
	return r, d.b, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendNodes(b []byte, nodes []model.NodeID) []byte {
	b = binary.AppendUvarint(b, uint64(len(nodes)))
	for _, n := range nodes {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

// appendPrefixes writes addresses, each as a text of 4 or 16 bytes, with the bits of
// their networks.
func appendPrefixes(b []byte, prefixes []netip.Prefix) []byte {
	b = binary.AppendUvarint(b, uint64(len(prefixes)))
	for _, p := range prefixes {
		b = appendText(b, string(p.Addr().AsSlice()))
		b = append(b, byte(p.Bits()))
	}
	return b
}

// decoder reads fields one after another. After the first that does not fit all
// others are zero, so that one look at failed at the end suffices.
type decoder struct {
	b      []byte
	layout uint64 // of the record; later ones have more fields
	failed bool
}

func (d *decoder) fail() {
	d.failed, d.b = true, nil
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int64() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int32() int32 {
	v := d.int64()
	if v < math.MinInt32 || v > math.MaxInt32 {
		d.fail()
		return 0
	}
	return int32(v)
}

func (d *decoder) int16() int16 {
	v := d.int64()
	if v < math.MinInt16 || v > math.MaxInt16 {
		d.fail()
		return 0
	}
	return int16(v)
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) bool() bool {
	v := d.byte()
	if v > 1 {
		d.fail()
	}
	return v == 1
}

// bytes is a part of the input; it is bounded by what is there.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string { return string(d.bytes()) }

func (d *decoder) uuid() (u model.UUID) {
	if len(d.b) < len(u) {
		d.fail()
		return u
	}
	copy(u[:], d.b)
	d.b = d.b[len(u):]
	return u
}

// count is the length of a list whose items take sizeMin bytes at least.
func (d *decoder) count(sizeMin int) int {
	n := d.uvarint()
	if n > uint64(len(d.b)/sizeMin) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) nodes() []model.NodeID {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	nodes := make([]model.NodeID, n)
	for i := range nodes {
		nodes[i] = model.NodeID(d.int32())
	}
	return nodes
}

// prefixes reads what appendPrefixes has written; it takes no address that would be
// written in another way.
func (d *decoder) prefixes() []netip.Prefix {
	const prefixSizeMin = 1 + 4 + 1
	n := d.count(prefixSizeMin)
	if n == 0 {
		return nil
	}
	prefixes := make([]netip.Prefix, n)
	for i := range prefixes {
		address, ok := netip.AddrFromSlice(d.bytes())
		p := netip.PrefixFrom(address, int(d.byte()))
		if !ok || !p.IsValid() || address.Is4In6() {
			d.fail()
			return nil
		}
		prefixes[i] = p
	}
	return prefixes
}
