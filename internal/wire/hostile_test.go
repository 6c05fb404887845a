package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// mutate damages a body in one of the ways that decoders mind: a flipped byte,
// a length that lies, bytes gone, doubled or added.
func mutate(rng *rand.Rand, body []byte) []byte {
	body = slices.Clone(body)
	for range 1 + rng.IntN(3) {
		if len(body) == 0 {
			return append(body, byte(rng.Uint32()))
		}
		at := rng.IntN(len(body))
		switch rng.IntN(6) {
		case 0:
			body[at] = byte(rng.Uint32())
		case 1:
			body[at] ^= 1 << rng.IntN(8)
		case 2:
			lie := []uint32{0, 1, 0x7f, 0xff, 0xffff, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 1}[rng.IntN(9)]
			copy(body[at:], binary.BigEndian.AppendUint32(nil, lie))
		case 3:
			copy(body[at:], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}[rng.IntN(5):])
		case 4:
			body = slices.Delete(body, at, min(at+1+rng.IntN(4), len(body)))
		default:
			body = slices.Insert(body, at, body[at:min(at+1+rng.IntN(8), len(body))]...)
		}
	}
	return body
}

// checkAccepted fails unless a body that CheckBody accepts can be decoded, for
// no more than it said. It reports whether the body was accepted.
func checkAccepted(tb testing.TB, key, version int16, body []byte) bool {
	tb.Helper()
	cost, err := CheckBody(key, version, body)
	if err != nil {
		return false
	}
	if limit := costLimit(len(body)); cost > limit {
		tb.Fatalf("key %d v%d: cost %d beyond the limit %d\n%x", key, version, cost, limit, body)
	}
	measured := allocating(func() { _, err = Decode(key, version, body) })
	if err != nil {
		tb.Fatalf("key %d v%d: accepted, then: %v\n%x", key, version, err, body)
	}
	if measured > cost+noise && !underRace {
		// Once more: the runtime may have allocated something of its own.
		measured = min(measured, allocating(func() { _, _ = Decode(key, version, body) }))
		if measured > cost+noise {
			tb.Fatalf("key %d v%d: cost %d, but %d bytes allocated\n%x", key, version, cost, measured, body)
		}
	}
	return true
}

func TestDamagedBodyIsRefusedOrDecodesWithinItsCost(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	rng := rand.New(rand.NewPCG(7, 7))
	accepted, refused := 0, 0
	eachVersion(func(key, version int16) {
		for seed := range uint64(60) {
			body := mutate(rng, newFiller(seed).request(t, key, version).AppendTo(nil))
			if checkAccepted(t, key, version, body) {
				accepted++
			} else {
				refused++
			}
		}
	})
	if accepted < 1000 || refused < 1000 {
		t.Fatalf("%d accepted, %d refused: the damage shows nothing", accepted, refused)
	}
}

func FuzzCheckBody(f *testing.F) {
	eachVersion(func(key, version int16) {
		if _, last, _ := Versions(key); version == last {
			f.Add(key, version, newFiller(uint64(key)).request(f, key, version).AppendTo(nil))
		}
	})
	f.Add(int16(3), int16(12), []byte("\x00\x01\x00\xff\xff\xff\xff\x0f"))
	for _, bomb := range bombs(256) {
		f.Add(bomb.key, bomb.version, bomb.body)
	}
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		_, end, err := walk(key, version, body)
		if end < 0 || end > len(body) {
			t.Fatalf("the walk ended at %d of %d (%v)", end, len(body), err)
		}
		if checkAccepted(t, key, version, body) {
			// What lies behind the body must not matter to it.
			if _, short, err := walk(key, version, body[:end]); err == nil && short != end {
				t.Fatalf("without its trailing bytes the body ends at %d, not %d", short, end)
			}
		}
	})
}

// The walk recurses as deep as structs nest.
func TestSchemaIsATreeOfBoundedDepth(t *testing.T) {
	const nestingMax = 5
	var depth func(s *structSchema) int
	depth = func(s *structSchema) int {
		if s.first > s.tagged || s.tagged > s.end || int(s.end) > len(fields) || s.size == 0 {
			t.Fatalf("struct %+v", s)
		}
		deepest := 0
		for i, f := range fields[s.first:s.end] {
			if i > int(s.tagged-s.first) && f.tag <= fields[int(s.first)+i-1].tag {
				t.Fatalf("tags of struct %+v do not ascend", s)
			}
			if (f.tag >= 0) != (int(s.first)+i >= int(s.tagged)) {
				t.Fatalf("field %+v is among the wrong ones", f)
			}
			if (f.kind == kindFixed || f.kind == kindArray && f.element == kindFixed) != (f.width > 0) && f.kind != kindStruct {
				t.Fatalf("field %+v: width", f)
			}
			if f.kind == kindArray && (f.element == kindBytes || f.element == kindArray) {
				t.Fatalf("field %+v: the walk knows no such arrays", f)
			}
			if f.kind == kindStruct || f.element == kindStruct {
				deepest = max(deepest, depth(&structs[f.sub])) // a cycle would overflow the stack
			}
		}
		return deepest + 1
	}
	for key := range requests {
		if requests[key].first > requests[key].last {
			continue
		}
		if d := depth(&structs[requests[key].root]); d > nestingMax {
			t.Errorf("structs of %s nest %d deep", kmsg.NameForKey(int16(key)), d)
		}
	}
}

func TestVersionsAreThoseThatKmsgDecodes(t *testing.T) {
	for key := range int16(kmsg.MaxKey) + 1 {
		r := kmsg.RequestForKey(key)
		if _, last, ok := Versions(key); ok && last > r.MaxVersion() {
			t.Errorf("%s: last version %d, kmsg's is %d", kmsg.NameForKey(key), last, r.MaxVersion())
		}
		for version := range r.MaxVersion() + 1 {
			r.SetVersion(version)
			if flexible, known := isFlexible(key, version); !known || flexible != r.IsFlexible() {
				t.Errorf("%s v%d: flexible %v, known %v", kmsg.NameForKey(key), version, flexible, known)
			}
		}
	}
}

func TestWalkAllocatesNothing(t *testing.T) {
	eachVersion(func(key, version int16) {
		body := newFiller(3).request(t, key, version).AppendTo(nil)
		if n := testing.AllocsPerRun(3, func() { _, _ = CheckBody(key, version, body) }); n > 0 {
			t.Errorf("%s v%d: %v allocations", kmsg.NameForKey(key), version, n)
		}
	})
}
