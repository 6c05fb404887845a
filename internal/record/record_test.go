package record

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

var allCodecs = []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4, CodecZstd}

// build makes a batch of n records with keys, values of valueBytes and a header.
func build(t testing.TB, o BuildOptions, n, valueBytes int) Batch {
	t.Helper()
	b := NewBuilder(o)
	value := bytes.Repeat([]byte("chronik "), valueBytes/8+1)[:valueBytes]
	for i := range n {
		b.Append(model.Timestamp(1_700_000_000_000+i), fmt.Appendf(nil, "key-%d", i), value, Header{Key: "h", Value: []byte("v")})
	}
	return b.Build()
}

func readAll(t testing.TB, b Batch) []Record {
	t.Helper()
	r, err := b.Records(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []Record
	for {
		rec, ok, err := r.Next()
		if err != nil {
			t.Fatalf("record %d: %v", len(out), err)
		}
		if !ok {
			return out
		}
		rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
		rec.Headers = append([]Header(nil), rec.Headers...)
		for i := range rec.Headers {
			rec.Headers[i].Value = bytes.Clone(rec.Headers[i].Value)
		}
		out = append(out, rec)
	}
}

func TestEveryCodecReadsBackWhatWasBuilt(t *testing.T) {
	for _, codec := range allCodecs {
		for _, size := range []int{0, 10, 1000, 300_000} {
			t.Run(fmt.Sprintf("%s/%d", codec, size), func(t *testing.T) {
				b := build(t, BuildOptions{Codec: codec, BaseOffset: 7, LeaderEpoch: 3}, 20, size)
				if err := b.Validate(Limits{}); err != nil {
					t.Fatal(err)
				}
				for i, r := range readAll(t, b) {
					if r.Offset != model.Offset(7+i) || string(r.Key) != fmt.Sprintf("key-%d", i) || len(r.Value) != size || r.Timestamp != model.Timestamp(1_700_000_000_000+i) {
						t.Fatalf("record %d is %+v", i, r)
					}
					if len(r.Headers) != 1 || r.Headers[0].Key != "h" || string(r.Headers[0].Value) != "v" {
						t.Fatalf("headers of record %d are %+v", i, r.Headers)
					}
				}
			})
		}
	}
}

func TestDecompressionStopsAtTheLimit(t *testing.T) {
	for _, codec := range allCodecs[1:] {
		b := build(t, BuildOptions{Codec: codec}, 64, 64<<10)
		if err := b.Validate(Limits{DecompressedBytesMax: 1 << 20}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: Validate says %v, want ErrTooLarge", codec, err)
		}
		if err := b.Validate(Limits{DecompressedBytesMax: 8 << 20}); err != nil {
			t.Errorf("%s: Validate within the limit says %v", codec, err)
		}
	}
}
