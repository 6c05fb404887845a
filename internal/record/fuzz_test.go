package record

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
)

// fuzzLimits keep a run of the fuzzer from spending itself on bombs.
func fuzzLimits() Limits { return Limits{DecompressedBytesMax: 1 << 20} }

// typed tells whether err is one of those that callers know.
func typed(err error) bool {
	var invalid *InvalidRecordError
	var timestamp *InvalidTimestampError
	for _, known := range []error{ErrTruncated, ErrCorrupt, ErrUnsupportedMagic, ErrUnsupportedCodec, ErrTooLarge} {
		if errors.Is(err, known) {
			return true
		}
	}
	return errors.As(err, &invalid) || errors.As(err, &timestamp)
}

func addSeeds(f *testing.F) {
	for _, codec := range allCodecs {
		f.Add([]byte(build(f, BuildOptions{Codec: codec}, 3, 20)))
	}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd", "zstd-22", "commit"} {
		f.Add([]byte(kafkaBatch(f, name)))
	}
	f.Add([]byte{})
}

func FuzzSplit(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		first, rest, err := Split(b)
		if err != nil {
			if !typed(err) || !bytes.Equal(rest, b) {
				t.Fatalf("%v, %d of %d bytes left", err, len(rest), len(b))
			}
			return
		}
		if !bytes.Equal(append(bytes.Clone(first), rest...), b) || len(first) < HeaderSize {
			t.Fatalf("%d and %d bytes of %d", len(first), len(rest), len(b))
		}
		_, _, _, _, _ = first.LastOffset(), first.NextOffset(), first.LastSequence(), first.CRC(), first.Attributes()
	})
}

// FuzzValidate gives bytes as they are, and again with length and CRC put right.
func FuzzValidate(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := Batch(b).Validate(fuzzLimits()); err != nil && !typed(err) {
			t.Fatal(err)
		}
		if len(b) < HeaderSize {
			return
		}
		batch := Batch(bytes.Clone(b))
		batch[posMagic] = magicV2
		batch.seal()
		checkAgreement(t, batch)
	})
}

// checkAgreement holds Validate and Reader to one opinion: what is valid can be
// read, all of it, as the header says.
func checkAgreement(t testing.TB, batch Batch) {
	t.Helper()
	before := bytes.Clone(batch)
	summary, err := batch.Inspect(Rules{Limits: fuzzLimits()})
	if err != nil && !typed(err) {
		t.Fatal(err)
	}
	records, bytesRead, readErr := drain(t, batch)
	if !bytes.Equal(batch, before) {
		t.Fatal("the batch was changed")
	}
	if readErr != nil && !typed(readErr) {
		t.Fatal(readErr)
	}
	if err == nil && (readErr != nil || records != int(batch.Count()) || bytesRead != summary.RecordBytes) {
		t.Fatalf("valid, and %d of %d records, %d of %d bytes could be read: %v", records, batch.Count(), bytesRead, summary.RecordBytes, readErr)
	}
	if err != nil {
		return
	}
	again, err := Recompress(batch, CodecNone, 0, fuzzLimits())
	if err != nil {
		t.Fatalf("valid, and cannot be decompressed: %v", err)
	}
	if got, err := again.Inspect(Rules{Limits: fuzzLimits()}); err != nil || got != summary {
		t.Fatalf("decompressed it is %+v, %v; was %+v", got, err, summary)
	}
}

func drain(t testing.TB, batch Batch) (records int, size int64, err error) {
	t.Helper()
	r, err := batch.Records(fuzzLimits())
	if err != nil {
		return 0, 0, err
	}
	defer r.Close()
	for {
		rec, ok, err := r.Next()
		if err != nil || !ok {
			return records, size, err
		}
		records++
		size += int64(rec.Size)
	}
}

// FuzzRecords puts bytes where the records are, compressed by us with each codec
// and as if they had been compressed already.
func FuzzRecords(f *testing.F) {
	plain := build(f, BuildOptions{}, 3, 20).Payload()
	for _, codec := range allCodecs {
		f.Add(int8(codec), int32(3), false, appendCompressed(nil, codec, 0, plain))
		f.Add(int8(codec), int32(3), true, plain)
	}
	f.Add(int8(CodecSnappy), int32(3), false, snappyBare(plain))
	f.Add(int8(CodecZstd), int32(20), false, kafkaBatch(f, "zstd-22").Payload())
	f.Add(int8(CodecNone), int32(1), true, []byte{0xfe, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, codec int8, count int32, compress bool, payload []byte) {
		c := Codec(codec)
		if !c.known() || count <= 0 {
			return
		}
		if compress {
			payload = appendCompressed(nil, c, 0, payload)
		}
		checkAgreement(t, sealed(c, count, payload))
	})
}

func FuzzParseControl(f *testing.F) {
	for _, name := range []string{"commit", "abort"} {
		r := readAll(f, kafkaBatch(f, name))[0]
		f.Add(r.Key, r.Value)
	}
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		typ, epoch, err := ParseControl(Record{Key: key, Value: value})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if !typ.EndsTransaction() {
			return
		}
		b := ControlBatch(Marker{Type: typ, CoordinatorEpoch: epoch})
		if again, epochAgain, err := ParseControl(readAll(t, b)[0]); err != nil || again != typ || epochAgain != epoch {
			t.Fatalf("%s of %d came back as %s of %d, %v", typ, epoch, again, epochAgain, err)
		}
	})
}

// drawnRecord is a record with anything that a record may have.
func drawnRecord(rt *rapid.T) Record {
	field := func(label string) []byte {
		if rapid.Bool().Draw(rt, label+" is null") {
			return nil
		}
		size := rapid.SampledFrom([]int{0, 1, 10, 63, 64, 200, 10_000, 70_000}).Draw(rt, label+" size")
		return bytes.Repeat([]byte{rapid.Byte().Draw(rt, label)}, size)
	}
	r := Record{
		Timestamp: model.Timestamp(rapid.Int64Range(-1, math.MaxInt64).Draw(rt, "timestamp")),
		Key:       field("key"),
		Value:     field("value"),
	}
	for range rapid.IntRange(0, 3).Draw(rt, "headers") {
		r.Headers = append(r.Headers, Header{Key: rapid.StringN(0, 5, 20).Draw(rt, "header"), Value: field("header value")})
	}
	return r
}

func TestWhatIsBuiltIsValidAndReadsBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := BuildOptions{
			Codec:       rapid.SampledFrom(allCodecs).Draw(rt, "codec"),
			BaseOffset:  model.Offset(rapid.Int64Range(0, math.MaxInt64-100).Draw(rt, "offset")),
			LeaderEpoch: model.LeaderEpoch(rapid.Int32().Draw(rt, "epoch")),
		}
		if rapid.Bool().Draw(rt, "idempotent") {
			o.Producer = &Producer{ID: 5, Epoch: 1, BaseSequence: model.Sequence(rapid.Int32Range(0, math.MaxInt32).Draw(rt, "sequence"))}
			o.Transactional = rapid.Bool().Draw(rt, "transactional")
		}
		want := rapid.SliceOfN(rapid.Custom(drawnRecord), 1, 20).Draw(rt, "records")
		b := NewBuilder(o)
		var top model.Timestamp = math.MinInt64
		for i := range want {
			before := b.Size()
			b.Append(want[i].Timestamp, want[i].Key, want[i].Value, want[i].Headers...)
			want[i].Size = b.Size() - before
			want[i].OffsetDelta, want[i].Offset = int32(i), o.BaseOffset+model.Offset(i)
			top = max(top, want[i].Timestamp)
		}
		batch := b.Build()
		if err := batch.Validate(Limits{}); err != nil {
			rt.Fatal(err)
		}
		if batch.MaxTimestamp() != top || batch.BaseTimestamp() != want[0].Timestamp || int(batch.Count()) != len(want) {
			rt.Fatalf("max timestamp %d, base %d, count %d", batch.MaxTimestamp(), batch.BaseTimestamp(), batch.Count())
		}
		sameRecords(t, o.Codec.String(), readAll(t, batch), want)
	})
}

func TestVarintsReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.Int64().Draw(rt, "v")
		b := appendVarint(nil, v)
		if got, n := varint64(b); got != v || n != len(b) || n != varintSize(v) {
			rt.Fatalf("%d in %d bytes came back as %d in %d", v, len(b), got, n)
		}
		got, n := varint32(b)
		if fits := v == int64(int32(v)); fits && (int64(got) != v || n != len(b)) || !fits && n > 0 {
			rt.Fatalf("%d as 32 bits: %d in %d", v, got, n)
		}
		for cut := range b {
			if _, n := varint64(b[:cut]); n != 0 {
				rt.Fatalf("%d bytes of %d: n is %d", cut, len(b), n)
			}
		}
	})
}
