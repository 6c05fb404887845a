package wire

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// filler fills kmsg's requests with random values, independently of the
// table: whatever kmsg encodes in a version, CheckBody has to accept.
type filler struct {
	rng *rand.Rand
	// elementsMax bounds each array, and with it strings and bytes.
	elementsMax int
	// unknownTags is whether structs get tags that nobody knows.
	unknownTags bool
}

func newFiller(seed uint64) *filler {
	return &filler{rng: rand.New(rand.NewPCG(seed, 1)), elementsMax: 4, unknownTags: true}
}

// request returns a random request of key and version.
func (f *filler) request(tb testing.TB, key, version int16) kmsg.Request {
	tb.Helper()
	r := kmsg.RequestForKey(key)
	r.SetVersion(version)
	f.fill(reflect.ValueOf(r).Elem())
	r.SetVersion(version)
	if fetch, ok := r.(*kmsg.FetchRequest); ok {
		dropEarlyTags(fetch)
	}
	return r
}

// dropEarlyTags resets the tagged fields of Fetch that are newer than their
// version: kmsg writes them all the same, and Kafka refuses them, as we do.
func dropEarlyTags(r *kmsg.FetchRequest) {
	if r.Version < 15 {
		r.ReplicaState = kmsg.NewFetchRequestReplicaState()
	}
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			p := &r.Topics[i].Partitions[j]
			fresh := kmsg.NewFetchRequestTopicPartition()
			if r.Version < 17 {
				p.ReplicaDirectoryID = fresh.ReplicaDirectoryID
			}
			if r.Version < 18 {
				p.HighWatermark = fresh.HighWatermark
			}
		}
	}
}

func (f *filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if tags, ok := v.Addr().Interface().(*kmsg.Tags); ok {
			f.fillTags(tags)
			return
		}
		for _, field := range v.Fields() {
			f.fill(field)
		}
	case reflect.Pointer:
		if f.rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		} else {
			v.SetZero()
		}
	case reflect.Slice:
		n := f.rng.IntN(f.elementsMax+2) - 1
		if n < 0 {
			v.SetZero() // null, or empty where the version has no null
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	default:
		f.fillScalar(v)
	}
}

func (f *filler) fillScalar(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("ä", f.rng.IntN(4*f.elementsMax)))
	case reflect.Bool:
		v.SetBool(f.rng.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(f.rng.Float64())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(f.rng.Uint64() >> (64 - v.Type().Bits()))
	default:
		v.SetInt(int64(f.rng.Uint64()) >> (64 - v.Type().Bits()))
	}
}

func (f *filler) fillTags(tags *kmsg.Tags) {
	*tags = kmsg.Tags{}
	if !f.unknownTags || f.rng.IntN(4) > 0 {
		return
	}
	for range 1 + f.rng.IntN(3) {
		tags.Set(100+f.rng.Uint32N(1<<20), make([]byte, f.rng.IntN(5)))
	}
}

// eachVersion calls do with each key and version that has a layout.
func eachVersion(do func(key, version int16)) {
	for key := range int16(len(requests)) {
		first, last, ok := Versions(key)
		for version := first; ok && version <= last; version++ {
			do(key, version)
		}
	}
}
