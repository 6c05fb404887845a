package wire

import (
	"encoding/binary"
	"errors"
	"reflect"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// allocating returns the bytes that do allocates.
func allocating(do func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// noise is what the runtime and the test's other goroutines may allocate while
// we measure.
const noise = 1 << 10

// decodeCost is what kmsg allocates to decode a body, and what CheckBody said.
func decodeCost(tb testing.TB, key, version int16, body []byte) (measured, cost int) {
	tb.Helper()
	cost, err := CheckBody(key, version, body)
	if err != nil {
		tb.Fatalf("%s: %v", kmsg.NameForKey(key), err)
	}
	// The least of three: now and then the runtime allocates some 5 KiB meanwhile, and
	// whatever it adds is no request's.
	for i := range 3 {
		once := allocating(func() {
			if _, err = Decode(key, version, body); err != nil {
				tb.Fatalf("%s: %v", kmsg.NameForKey(key), err)
			}
		})
		if i == 0 || once < measured {
			measured = once
		}
	}
	return measured, cost
}

func skipUnderRace(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("allocations differ under the race detector")
	}
}

func TestDecodingAllocatesNoMoreThanItsCost(t *testing.T) {
	skipUnderRace(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	eachVersion(func(key, version int16) {
		for seed := range uint64(6) {
			f := newFiller(seed)
			f.elementsMax = 4 + int(seed)
			body := f.request(t, key, version).AppendTo(nil)
			if _, err := CheckBody(key, version, body); len(body) > 1<<20 && err != nil {
				continue // a dense giant, refused for its cost
			}
			if measured, cost := decodeCost(t, key, version, body); measured > cost+noise {
				t.Errorf("%s v%d: %d bytes allocated, cost %d", kmsg.NameForKey(key), version, measured, cost)
			}
		}
	})
}

// The table holds the sizes of kmsg's structs. So for each array of structs, in
// turn, a request is made in which that array has so many elements that nothing
// else matters: were a size stale, or a pointer to a string not known, cost and
// measure would differ.
func TestCostIsCloseToWhatArraysAllocate(t *testing.T) {
	skipUnderRace(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	arrays := 0
	for key := range int16(len(requests)) {
		_, last, ok := Versions(key)
		if !ok {
			continue
		}
		eachArray(reflect.TypeOf(kmsg.RequestForKey(key)).Elem(), nil, func(path []int) {
			r := kmsg.RequestForKey(key)
			r.SetVersion(last)
			r.(interface{ Default() }).Default()
			fillPath(reflect.ValueOf(r).Elem(), path, 5000)
			body := r.AppendTo(nil)
			if len(body) < 5000 {
				return // not in this version
			}
			arrays++
			measured, cost := decodeCost(t, key, last, body)
			if measured > cost+noise || cost > measured+measured/4+noise {
				t.Errorf("%s v%d, array at %v: %d bytes allocated, cost %d", kmsg.NameForKey(key), last, path, measured, cost)
			}
		})
	}
	if arrays < 80 {
		t.Fatalf("only %d arrays were measured", arrays)
	}
}

// eachArray calls do with the path of each slice of structs below t.
func eachArray(t reflect.Type, path []int, do func(path []int)) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[kmsg.Tags]() {
		return
	}
	for i := range t.NumField() {
		below := append(path[:len(path):len(path)], i)
		f := t.Field(i).Type
		if f.Kind() == reflect.Slice {
			f = f.Elem()
			if f.Kind() == reflect.Struct {
				do(below)
			}
		}
		eachArray(f, below, do)
	}
}

// fillPath gives each slice on the path one element, and the last one n.
func fillPath(v reflect.Value, path []int, n int) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if d, ok := v.Addr().Interface().(interface{ Default() }); ok && len(path) > 0 && v.CanSet() {
		if _, isRequest := d.(kmsg.Request); !isRequest {
			d.Default()
		}
	}
	f := v.Field(path[0])
	if f.Kind() != reflect.Slice {
		fillPath(f, path[1:], n)
		return
	}
	if len(path) > 1 {
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		fillPath(f.Index(0), path[1:], n)
		return
	}
	f.Set(reflect.MakeSlice(f.Type(), n, n))
	for i := range n {
		f.Index(i).Addr().Interface().(interface{ Default() }).Default()
		for _, field := range f.Index(i).Fields() {
			if field.Type() == reflect.TypeFor[*string]() {
				field.Set(reflect.ValueOf(kmsg.StringPtr("behind a pointer")))
			}
		}
	}
}

func TestAllocatedBoundsEverySizeClass(t *testing.T) {
	skipUnderRace(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const rounds = 64
	source := make([]byte, 100<<10)
	kept := make([]any, rounds)
	for size := 1; size <= len(source); size += 1 + size/16 {
		measured := allocating(func() {
			for i := range rounds {
				kept[i] = string(source[:size])
			}
		})
		boxes := rounds * 16
		if measured > rounds*allocated(size)+boxes+noise {
			t.Errorf("a string of %d bytes takes %d, more than %d", size, (measured-boxes)/rounds, allocated(size))
		}
		measured = allocating(func() {
			for i := range rounds {
				kept[i] = append([]*byte(nil), make([]*byte, (size+7)/8)...)
			}
		})
		boxes = rounds * 24
		if measured > rounds*allocated((size+7)/8*8)+boxes+rounds*8+noise {
			t.Errorf("pointers of %d bytes take %d, more than %d", size, (measured-boxes)/rounds, allocated(size))
		}
	}
}

func TestTagsCostBoundsTheMapOfUnknownTags(t *testing.T) {
	skipUnderRace(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for n := 1; n <= unknownTagsMax; n += 1 + n/20 {
		measured := allocating(func() {
			var tags kmsg.Tags
			for tag := range n {
				tags.Set(uint32(tag), nil)
			}
		})
		if measured > tagsCost(n)+noise {
			t.Errorf("%d tags allocate %d bytes (%d each), more than %d", n, measured, measured/n, tagsCost(n))
		}
	}
}

// bombs are frames of which kmsg alone makes the most: arrays whose length is
// that of all the bytes that follow.
func bombs(size int) []struct {
	name         string
	key, version int16
	body         []byte
} {
	claim := func(head string) []byte {
		body := append([]byte(head), 0, 0, 0, 0)
		binary.BigEndian.PutUint32(body[len(head):], uint32(size-len(body)))
		return append(body, make([]byte, size-len(body))...)
	}
	return []struct {
		name         string
		key, version int16
		body         []byte
	}{
		{"Metadata v1", 3, 1, claim("")},
		{"IncrementalAlterConfigs v0", 44, 0, claim("")},
		{"CreateTopics v4", 19, 4, claim("")},
		{"AddPartitionsToTxn v0", 24, 0, claim("\x00\x01t\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01")},
		{"Fetch v4, one topic", 1, 4, claim("\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01t")},
	}
}

func TestFrameThatMakesKmsgAllocateManyTimesItsSizeIsRefused(t *testing.T) {
	skipUnderRace(t)
	const size = 4 << 20
	worst := 0
	for _, bomb := range bombs(size) {
		alone := allocating(func() {
			r := kmsg.RequestForKey(bomb.key)
			r.SetVersion(bomb.version)
			_ = r.ReadFrom(bomb.body) // most end in an error, after the damage
		})
		worst = max(worst, alone)
		t.Logf("%s: kmsg alone allocates %d MiB for %d", bomb.name, alone>>20, size>>20)
		refused := allocating(func() {
			_, err := Decode(bomb.key, bomb.version, bomb.body)
			var malformed *MalformedError
			if !errors.As(err, &malformed) {
				t.Errorf("%s: %v", bomb.name, err)
			}
		})
		if refused > noise {
			t.Errorf("%s: refusing it allocated %d bytes", bomb.name, refused)
		}
	}
	if worst < 40*size {
		t.Errorf("kmsg allocates %d MiB at worst: is the walk still needed?", worst>>20)
	}
}
