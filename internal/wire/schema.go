package wire

// The table of request layouts: what CheckBody walks a body against. It is
// generated (see schemagen) as plain arrays without pointers: 8 KiB that the
// linker lays out, with nothing to build at start-up. Nothing ever writes to it.

// requestSchema says how one key's requests are laid out.
type requestSchema struct {
	// flexible is the first version with compact lengths and tagged fields,
	// and so with header v2; neverFlexible where there is none. Known for
	// every key, also for those that have no layout.
	flexible int8
	// first and last are the versions whose layout is known, inclusive; the
	// range is empty (first > last) where the key has no layout.
	first, last int8
	// bytes is whether a field is of type bytes (not records), which kmsg
	// leaves where it lies in the body.
	bytes bool
	root  uint8 // index into structs
}

// structSchema is a struct: the request itself, an array's element, or a
// field's value. Its plain fields are fields[first:tagged], in wire order, and
// its tagged ones are fields[tagged:end], ascending by tag.
type structSchema struct {
	first, tagged, end uint16
	size               uint16 // bytes of kmsg's struct in Go's memory, on 64 bits
}

// fieldSchema is one field of a struct.
type fieldSchema struct {
	kind    kind
	element kind  // where kind is kindArray
	width   uint8 // bytes on the wire where kind, or element, is kindFixed; the same as Go's
	sub     uint8 // index into structs where kind, or element, is kindStruct
	tag     int8  // where the field is a tagged one
	pointer bool  // kmsg holds a string of this field behind a pointer

	// Inclusive ranges of versions: in which the field is there, and in which
	// it may be null. Empty where first > last.
	first, last         int8
	nullFirst, nullLast int8
}

type kind uint8

const (
	kindFixed  kind = iota // a number, bool or UUID
	kindString             // copied by kmsg
	kindBytes              // bytes or records: kmsg aliases the body
	kindStruct
	kindArray
)

// Versions returns the versions of key, inclusive, whose bodies CheckBody can
// check and Decode decode; ok is false where there are none. They are those of
// Kafka 4.3 and nearly all that it has dropped; which are served is not decided
// here.
func Versions(key int16) (first, last int16, ok bool) {
	if key < 0 || int(key) >= len(requests) {
		return 0, 0, false
	}
	r := &requests[key]
	return int16(r.first), int16(r.last), r.first <= r.last
}

// isFlexible reports whether the requests of key have compact lengths and
// tagged fields in version, and known whether there is such a key.
func isFlexible(key, version int16) (flexible, known bool) {
	if key < 0 || int(key) >= len(requests) {
		return false, false
	}
	return version >= int16(requests[key].flexible), true
}
