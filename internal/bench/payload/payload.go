// Package payload makes the records of a benchmark, and knows them again: a value of a
// given size and pattern that carries who made it, its number, when it was due, and a
// checksum. A Maker belongs to one goroutine; reading is for any.
package payload

import (
	"encoding/binary"
	"hash/crc32"
)

// StampBytes is the least size of a value that can be known again. All big-endian:
//
//	0        8          16    24         28
//	| run    | sequence | due | checksum | filling …
//
// due is in nanoseconds since the run began. The checksum is CRC-32C of the key, of what
// is before it, and of the filling.
const StampBytes = 28

const (
	sequenceAt = 8
	dueAt      = 16
	checksumAt = 24
)

// Stamp is what a value says of itself.
type Stamp struct {
	Run      uint64 // random, for each run another
	Sequence uint64
	Due      int64 // nanoseconds since the run began
}

// ReadStamp reads a value's stamp without checking it, which is enough where nothing but
// a latency depends on it. It returns false for values that are too short for one.
func ReadStamp(value []byte) (Stamp, bool) {
	if len(value) < StampBytes {
		return Stamp{}, false
	}
	return Stamp{
		Run:      binary.BigEndian.Uint64(value),
		Sequence: binary.BigEndian.Uint64(value[sequenceAt:]),
		Due:      int64(binary.BigEndian.Uint64(value[dueAt:])),
	}, true
}

// Intact reports whether a record is, byte for byte, as a Maker has made it.
func Intact(key, value []byte) bool {
	return len(value) >= StampBytes && binary.BigEndian.Uint32(value[checksumAt:]) == checksum(key, value)
}

// stampOnto fills in the stamp of a value whose filling is there.
func stampOnto(value, key []byte, s Stamp) {
	binary.BigEndian.PutUint64(value, s.Run)
	binary.BigEndian.PutUint64(value[sequenceAt:], s.Sequence)
	binary.BigEndian.PutUint64(value[dueAt:], uint64(s.Due))
	binary.BigEndian.PutUint32(value[checksumAt:], checksum(key, value))
}

func checksum(key, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the same table at each call
	sum := crc32.Update(0, table, key)
	sum = crc32.Update(sum, table, value[:checksumAt])
	return crc32.Update(sum, table, value[StampBytes:])
}
