package storage

import (
	"hash/maphash"

	"github.com/chronik/chronik/internal/model"
)

const (
	// offsetMapBytesDefault is what a pass may use where nothing is said.
	offsetMapBytesDefault = 4 << 20
	// offsetMapEntryBytes is about what an entry of a Go map of 24 bytes costs.
	offsetMapEntryBytes = 56
	// offsetMapEntriesMin: a pass must come further than one batch.
	offsetMapEntriesMin = 1000
)

// offsetMap has the newest offset of each key, by 128 bits of the key's hash.
// The hash is seeded anew for each pass, so that nobody can choose keys that
// collide; by chance one in 2^88 would for a billion keys.
type offsetMap struct {
	seeds   [2]maphash.Seed
	offsets map[[2]uint64]model.Offset
	limit   int
	end     model.Offset // keys of records below have been noted
}

func newOffsetMap(bytes int) *offsetMap {
	if bytes <= 0 {
		bytes = offsetMapBytesDefault
	}
	return &offsetMap{
		seeds:   [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		offsets: make(map[[2]uint64]model.Offset),
		limit:   max(bytes/offsetMapEntryBytes, offsetMapEntriesMin),
	}
}

func (m *offsetMap) hash(key []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(m.seeds[0], key), maphash.Bytes(m.seeds[1], key)}
}

func (m *offsetMap) put(key []byte, offset model.Offset) { m.offsets[m.hash(key)] = offset }

// superseded: a newer record of the key has been noted.
func (m *offsetMap) superseded(key []byte, offset model.Offset) bool {
	newest, ok := m.offsets[m.hash(key)]
	return ok && offset < newest
}

func (m *offsetMap) full(more int) bool { return len(m.offsets)+more > m.limit }
