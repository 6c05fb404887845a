package meta

import (
	"maps"

	"github.com/chronik/chronik/internal/model"
)

// shardCount is how many parts a table has. A change copies the parts it
// touches: with 10,000 topics, 40 entries for one topic. The array of parts
// itself is 2 KiB, which is what the smallest change costs.
const shardCount = 256

// key is what a table is indexed by. shard spreads keys evenly, and depends on
// nothing but the key, so that every node and every run walk alike.
type key interface {
	comparable
	shard() uint8
}

type (
	nameKey string
	idKey   model.TopicID
)

func (k nameKey) shard() uint8 { return hashText(string(k)) }
func (k idKey) shard() uint8   { return k[0] ^ k[15] } // random but for six bits of bytes 6 and 8
func (r Resource) shard() uint8 {
	return hashText(r.Name) ^ uint8(r.Type)
}

// hashText is FNV-1a, folded to a byte.
func hashText(s string) uint8 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	h ^= h >> 16
	return uint8(h ^ h>>8)
}

// table is an immutable map in parts. A new version shares all parts that have
// not changed, so that comparing two versions costs what differs. The zero
// table is empty.
type table[K key, V any] struct {
	shards *[shardCount]*shard[K, V]
	length int
}

type shard[K key, V any] struct{ m map[K]V }

func (t table[K, V]) get(k K) (v V, ok bool) {
	if t.shards == nil {
		return v, false
	}
	if s := t.shards[k.shard()]; s != nil {
		v, ok = s.m[k]
	}
	return v, ok
}

func (t table[K, V]) all(yield func(K, V) bool) {
	if t.shards == nil {
		return
	}
	for _, s := range t.shards {
		if s == nil {
			continue
		}
		for k, v := range s.m {
			if !yield(k, v) {
				return
			}
		}
	}
}

// compare calls visit for every key of the parts that the two versions do not
// share; most of those keys are equal all the same.
func (t table[K, V]) compare(next table[K, V], visit func(k K, was, is V, hadOld, hasNew bool)) {
	if t.shards == next.shards {
		return
	}
	var none [shardCount]*shard[K, V]
	before, after := t.shards, next.shards
	if before == nil {
		before = &none
	}
	if after == nil {
		after = &none
	}
	for i := range shardCount {
		if before[i] != after[i] {
			compareShard(before[i], after[i], visit)
		}
	}
}

func compareShard[K key, V any](before, after *shard[K, V], visit func(k K, was, is V, hadOld, hasNew bool)) {
	var old, next map[K]V
	if before != nil {
		old = before.m
	}
	if after != nil {
		next = after.m
	}
	for k, was := range old {
		is, ok := next[k]
		visit(k, was, is, true, ok)
	}
	for k, is := range next {
		if was, ok := old[k]; !ok {
			visit(k, was, is, false, true)
		}
	}
}

// tableEdit makes the next version of a table. Each part is copied once,
// however many of its keys change.
type tableEdit[K key, V any] struct {
	table[K, V]
	owned *[shardCount]bool // the parts that are this edit's own; nil: not even the array is
}

func edit[K key, V any](t table[K, V]) tableEdit[K, V] { return tableEdit[K, V]{table: t} }

func (e *tableEdit[K, V]) own(k K) map[K]V {
	if e.owned == nil {
		e.owned = new([shardCount]bool)
		shards := new([shardCount]*shard[K, V])
		if e.shards != nil {
			*shards = *e.shards
		}
		e.shards = shards
	}
	i := k.shard()
	s := e.shards[i]
	if e.owned[i] {
		return s.m
	}
	e.owned[i] = true
	if s == nil {
		s = &shard[K, V]{m: make(map[K]V, 1)}
	} else {
		s = &shard[K, V]{m: maps.Clone(s.m)}
	}
	e.shards[i] = s
	return s.m
}

func (e *tableEdit[K, V]) set(k K, v V) {
	m := e.own(k)
	before := len(m)
	m[k] = v
	e.length += len(m) - before
}

func (e *tableEdit[K, V]) delete(k K) {
	if _, ok := e.get(k); !ok {
		return
	}
	delete(e.own(k), k)
	e.length--
}
