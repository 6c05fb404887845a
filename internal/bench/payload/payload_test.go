package payload

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func mustKeys(t testing.TB, text string) Keys {
	t.Helper()
	k, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestARecordIsKnownAgain with any pattern and keys, and no more once a bit has flipped,
// wherever it is.
func TestARecordIsKnownAgain(t *testing.T) {
	for _, pattern := range []Pattern{Random, Zeros, Text} {
		for _, keys := range []string{"none", "sequential", "random:10"} {
			for _, size := range []int{StampBytes, StampBytes + 1, 100} {
				t.Run(fmt.Sprint(pattern, keys, size), func(t *testing.T) {
					m := NewMaker(Shape{Size: size, Pattern: pattern, Compressibility: 0.5}, mustKeys(t, keys), 7, 1)
					s := m.NewSlot()
					m.Make(s, 41, 1)
					m.Make(s, 42, -5) // memory that has been used before
					stamp, ok := ReadStamp(s.Value)
					if want := (Stamp{Run: 7, Sequence: 42, Due: -5}); !ok || stamp != want {
						t.Errorf("stamp %+v, want %+v", stamp, want)
					}
					if !Intact(s.Key, s.Value) {
						t.Error("an untouched record is taken for damaged")
					}
					for _, part := range [][]byte{s.Key, s.Value} {
						for i := range 8 * len(part) {
							part[i/8] ^= 1 << (i % 8)
							if Intact(s.Key, s.Value) {
								t.Fatalf("bit %d of %d bytes flipped, and nobody notices", i, len(part))
							}
							part[i/8] ^= 1 << (i % 8)
						}
					}
					if Intact(s.Key, s.Value[:size-1]) {
						t.Error("a value cut short is taken for whole")
					}
				})
			}
		}
	}
}

// TestAValueTooShortForAStampIsFilled, and is not known again.
func TestAValueTooShortForAStampIsFilled(t *testing.T) {
	m := NewMaker(Shape{Size: StampBytes - 1, Pattern: Random}, Keys{}, 7, 1)
	s := m.NewSlot()
	m.Make(s, 1, 1)
	if bytes.Equal(s.Value, make([]byte, StampBytes-1)) {
		t.Error("it is empty")
	}
	if _, ok := ReadStamp(s.Value); ok || Intact(nil, s.Value) {
		t.Error("it is taken for one that has a stamp")
	}
}

// TestTextCompressesAsMuchAsAsked, by zstd over many records, as in a batch.
func TestTextCompressesAsMuchAsAsked(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	ratio := func(shape Shape) float64 {
		m := NewMaker(shape, Keys{}, 1, 1)
		s := m.NewSlot()
		var all []byte
		for i := range 500 {
			m.Make(s, uint64(i), 0)
			all = append(all, s.Value...)
		}
		return float64(len(encoder.EncodeAll(all, nil))) / float64(len(all))
	}
	const size = 1024
	last := ratio(Shape{Size: size, Pattern: Random})
	if last < 0.97 { // all but the stamps
		t.Errorf("random values shrink to %.2f", last)
	}
	for _, share := range []float64{0, 0.25, 0.5, 0.75, 1} {
		r := ratio(Shape{Size: size, Pattern: Text, Compressibility: share})
		if r >= last {
			t.Errorf("compressibility %.2f: shrinks to %.2f, with less of it to %.2f", share, r, last)
		}
		last = r
	}
	if zeros := ratio(Shape{Size: size, Pattern: Zeros}); zeros > 0.05 {
		t.Errorf("zeros shrink to %.2f only", zeros)
	}
}

// TestKeys are as many as asked for.
func TestKeys(t *testing.T) {
	count := func(text string) map[string]bool {
		m := NewMaker(Shape{Size: 1}, mustKeys(t, text), 1, 1)
		s := m.NewSlot()
		seen := map[string]bool{}
		for i := range 1000 {
			m.Make(s, uint64(i), 0)
			seen[string(s.Key)] = true
		}
		return seen
	}
	if n := len(count("random:10")); n != 10 {
		t.Errorf("random:10 are %d keys", n)
	}
	if s := count("sequential"); len(s) != 1000 || !s["00000000000003e7"] {
		t.Errorf("sequential are %d keys", len(s))
	}
	if s := count("none"); len(s) != 1 || !s[""] {
		t.Errorf("none are %v", s)
	}
	for _, wrong := range []string{"", "random", "random:", "random:0", "random:-1", "all"} {
		if _, err := ParseKeys(wrong); err == nil {
			t.Errorf("%q is taken for keys", wrong)
		}
	}
}

// TestCallersSendDifferentThings, so that nothing can be saved by finding repetitions.
func TestCallersSendDifferentThings(t *testing.T) {
	a, b := NewMaker(Shape{Size: 64, Pattern: Random}, Keys{}, 1, 1), NewMaker(Shape{Size: 64, Pattern: Random}, Keys{}, 1, 2)
	x, y := a.NewSlot(), b.NewSlot()
	a.Make(x, 0, 0)
	b.Make(y, 0, 0)
	different := 0
	for i := StampBytes; i < 64; i++ {
		different += bits.OnesCount8(x.Value[i] ^ y.Value[i])
	}
	if different < 100 { // of 288 bits, half of them on average
		t.Errorf("%d bits differ", different)
	}
}

func BenchmarkMake(b *testing.B) {
	for _, pattern := range []Pattern{Random, Zeros, Text} {
		b.Run(string(pattern), func(b *testing.B) {
			m := NewMaker(Shape{Size: 1024, Pattern: pattern, Compressibility: 0.7}, Keys{kind: keysSequential}, 1, 1)
			s := m.NewSlot()
			b.SetBytes(1024)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Make(s, uint64(i), 0)
			}
		})
	}
}
