package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/klauspost/compress/snappy"

	"github.com/chronik/chronik/internal/model"
)

func snappyBare(b []byte) []byte { return snappy.Encode(nil, b) }

func TestSplitCutsBatchesOff(t *testing.T) {
	one, two := build(t, BuildOptions{}, 1, 10), build(t, BuildOptions{Codec: CodecZstd}, 2, 10)
	both := append(bytes.Clone(one), two...)
	first, rest, err := Split(both)
	if err != nil || !bytes.Equal(first, one) || !bytes.Equal(rest, two) {
		t.Fatalf("%d and %d bytes, %v", len(first), len(rest), err)
	}
	if cap(first) != len(first) {
		t.Error("an append to the first batch would write over the second")
	}
	for n := range one {
		if _, rest, err := Split(both[:n]); !errors.Is(err, ErrTruncated) || len(rest) != n {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestSplitRefusesWhatIsNoBatch(t *testing.T) {
	with := func(length int32, magic byte) []byte {
		b := make([]byte, 200)
		binary.BigEndian.PutUint32(b[posLength:], uint32(length))
		b[posMagic] = magic
		return b
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"zeros":             {make([]byte, 200), ErrCorrupt},
		"length -1":         {with(-1, 2), ErrCorrupt},
		"length 48":         {with(48, 2), ErrCorrupt},
		"length 2^31-1":     {with(math.MaxInt32, 2), ErrTruncated},
		"message format 0":  {with(20, 0), ErrUnsupportedMagic},
		"message format 1":  {with(100, 1), ErrUnsupportedMagic},
		"a format to come":  {with(100, 3), ErrUnsupportedMagic},
		"nothing":           {nil, ErrTruncated},
		"short of a length": {make([]byte, 16), ErrTruncated},
	} {
		if _, _, err := Split(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestSizeOfAgreesWithSplit(t *testing.T) {
	b := build(t, BuildOptions{}, 3, 100)
	if n, err := SizeOf(b[:LengthPrefix]); err != nil || n != int64(len(b)) {
		t.Errorf("%d, %v; want %d", n, err, len(b))
	}
	if _, err := SizeOf(b[:LengthPrefix-1]); !errors.Is(err, ErrTruncated) {
		t.Errorf("%v, want ErrTruncated", err)
	}
	if _, err := SizeOf(make([]byte, LengthPrefix)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
}

func TestOffsetAndEpochAreOutsideTheCRC(t *testing.T) {
	b := build(t, BuildOptions{Codec: CodecLZ4}, 3, 100)
	b.SetBaseOffset(1 << 40)
	b.SetLeaderEpoch(9)
	if err := b.Validate(Limits{}); err != nil || b.BaseOffset() != 1<<40 || b.LeaderEpoch() != 9 || b.NextOffset() != 1<<40+3 {
		t.Errorf("%v: offset %d, epoch %d", err, b.BaseOffset(), b.LeaderEpoch())
	}
}

func TestLogAppendTimeIsThatOfEveryRecord(t *testing.T) {
	for _, codec := range allCodecs {
		b := build(t, BuildOptions{Codec: codec}, 3, 100)
		b.SetLogAppendTime(42)
		if err := b.CheckCRC(); err != nil || !b.Attributes().LogAppendTime() || b.Attributes().Codec() != codec {
			t.Errorf("%s: %v, %b", codec, err, b.Attributes())
		}
		for _, r := range readAll(t, b) {
			if r.Timestamp != 42 {
				t.Errorf("%s: timestamp %d", codec, r.Timestamp)
			}
		}
	}
}

func TestLastSequenceWraps(t *testing.T) {
	for _, c := range []struct {
		base, last model.Sequence
		count      int
	}{{0, 2, 3}, {math.MaxInt32, math.MaxInt32, 1}, {math.MaxInt32, 0, 2}, {math.MaxInt32 - 1, 1, 4}, {model.NoSequence, model.NoSequence, 3}} {
		b := build(t, BuildOptions{Producer: &Producer{ID: 1, BaseSequence: c.base}}, c.count, 1)
		if got := b.LastSequence(); got != c.last {
			t.Errorf("%d records from %d: last is %d, want %d", c.count, c.base, got, c.last)
		}
	}
}

func TestBuilderKeepsGapsAndRange(t *testing.T) {
	b := NewBuilder(BuildOptions{BaseOffset: 100, Codec: CodecSnappy})
	b.AppendAt(103, 1, []byte("a"), nil)
	b.AppendAt(110, 2, nil, []byte("b"))
	b.SetLastOffset(120)
	batch := b.Build()
	records := readAll(t, batch)
	if batch.LastOffset() != 120 || batch.Count() != 2 || records[0].Offset != 103 || records[1].Offset != 110 {
		t.Errorf("last offset %d, records %+v", batch.LastOffset(), records)
	}
	checkError(t, "from a client", batch.Validate(Limits{}), &InvalidRecordError{})
	b.Reset(OptionsOf(batch))
	b.Append(9, nil, nil)
	if again := b.Build(); again.BaseOffset() != 100 || again.Attributes().Codec() != CodecSnappy || again.Count() != 1 || again.MaxTimestamp() != 9 {
		t.Errorf("after Reset: %x", []byte(again))
	}
}

func TestBuilderRefusesOffsetsThatGoBack(t *testing.T) {
	for name, do := range map[string]func(*Builder){
		"same offset": func(b *Builder) { b.AppendAt(5, 0, nil, nil); b.AppendAt(5, 0, nil, nil) },
		"before base": func(b *Builder) { b.AppendAt(4, 0, nil, nil) },
		"too far":     func(b *Builder) { b.AppendAt(5+1<<31, 0, nil, nil) },
		"last before": func(b *Builder) { b.AppendAt(9, 0, nil, nil); b.SetLastOffset(8) },
		"nothing":     func(b *Builder) { b.Build() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			do(NewBuilder(BuildOptions{BaseOffset: 5}))
		})
	}
}

func TestDeleteHorizonStandsInTheBaseTimestamp(t *testing.T) {
	b := NewBuilder(BuildOptions{DeleteHorizon: 5000})
	b.Append(1000, []byte("k"), nil)
	b.Append(7000, []byte("l"), nil)
	batch := b.Build()
	records := readAll(t, batch)
	if !batch.Attributes().DeleteHorizon() || batch.BaseTimestamp() != 5000 || batch.MaxTimestamp() != 7000 || records[0].Timestamp != 1000 || records[1].Timestamp != 7000 {
		t.Errorf("base %d, max %d, records %+v", batch.BaseTimestamp(), batch.MaxTimestamp(), records)
	}
	if o := OptionsOf(batch); o.DeleteHorizon != 5000 {
		t.Errorf("options have the horizon %d", o.DeleteHorizon)
	}
}

func TestWithoutRecordsKeepsTheProducersRange(t *testing.T) {
	full := build(t, BuildOptions{Codec: CodecGzip, BaseOffset: 5, LeaderEpoch: 2, Transactional: true, Producer: &Producer{ID: 8, Epoch: 1, BaseSequence: 30}}, 4, 10)
	empty := full.WithoutRecords()
	if err := empty.CheckCRC(); err != nil || len(empty) != HeaderSize || empty.Count() != 0 {
		t.Fatalf("%d bytes, %v", len(empty), err)
	}
	got := fmt.Sprint(empty.BaseOffset(), empty.LastOffset(), empty.LeaderEpoch(), empty.ProducerID(), empty.ProducerEpoch(), empty.BaseSequence(), empty.LastSequence(), empty.Attributes(), empty.MaxTimestamp())
	if want := "5 8 2 8 1 30 33 16 1700000000003"; got != want {
		t.Errorf("header is %s, want %s", got, want)
	}
	if records := readAll(t, empty); len(records) != 0 {
		t.Errorf("records: %+v", records)
	}
	if full.Count() != 4 {
		t.Error("the batch itself was changed")
	}
}

func TestRecompressKeepsTheRecords(t *testing.T) {
	for _, from := range allCodecs {
		b := build(t, BuildOptions{Codec: from, BaseOffset: 5, Producer: &Producer{ID: 8, BaseSequence: 30}}, 20, 3000)
		want := readAll(t, b)
		for _, to := range allCodecs {
			got, err := Recompress(b, to, 0, Limits{})
			if err != nil {
				t.Fatalf("%s to %s: %v", from, to, err)
			}
			if err := got.Validate(Limits{}); err != nil || got.Attributes().Codec() != to || got.BaseSequence() != 30 {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			sameRecords(t, fmt.Sprintf("%s to %s", from, to), readAll(t, got), want)
		}
		if from != CodecNone {
			_, err := Recompress(b, CodecNone, 0, Limits{DecompressedBytesMax: 1000})
			checkError(t, "beyond the limit", err, ErrTooLarge)
		}
	}
	_, err := Recompress(build(t, BuildOptions{}, 1, 1), 5, 0, Limits{})
	checkError(t, "codec 5", err, ErrUnsupportedCodec)
	_, err = Recompress(sealed(CodecZstd, 1, []byte("noise")), CodecGzip, 0, Limits{})
	checkError(t, "noise", err, &InvalidRecordError{})
}

func TestEveryLevelIsReadBack(t *testing.T) {
	for codec, levels := range map[Codec][2]int{CodecGzip: {-1, 9}, CodecLZ4: {-1, 17}, CodecZstd: {-7, 22}} {
		for level := levels[0]; level <= levels[1]; level++ {
			if err := build(t, BuildOptions{Codec: codec, Level: level}, 10, 1000).Validate(Limits{}); err != nil {
				t.Errorf("%s at level %d: %v", codec, level, err)
			}
		}
	}
}

func TestParseControl(t *testing.T) {
	for name, c := range map[string]struct {
		key, value []byte
		want       string
	}{
		"later version":      {[]byte{0, 1, 0, 1, 9}, []byte{0, 2, 0, 0, 0, 7, 9, 9}, "COMMIT 7"},
		"leader change":      {[]byte{0, 0, 0, 2}, nil, "LEADER_CHANGE -1"},
		"type to come":       {[]byte{0, 0, 1, 0}, nil, "UNKNOWN_256 -1"},
		"no key":             {nil, []byte{0, 0, 0, 0, 0, 0}, "error"},
		"short key":          {[]byte{0, 0, 0}, []byte{0, 0, 0, 0, 0, 0}, "error"},
		"no value":           {[]byte{0, 0, 0, 0}, nil, "error"},
		"short value":        {[]byte{0, 0, 0, 0}, []byte{0, 0, 0, 0, 0}, "error"},
		"key version -1":     {[]byte{255, 255, 0, 0}, []byte{0, 0, 0, 0, 0, 0}, "error"},
		"value version -1":   {[]byte{0, 0, 0, 0}, []byte{255, 255, 0, 0, 0, 0}, "error"},
		"type of minus one":  {[]byte{0, 0, 255, 255}, nil, "UNKNOWN_-1 -1"},
		"coordinator of -1 ": {[]byte{0, 0, 0, 0}, []byte{0, 0, 255, 255, 255, 255}, "ABORT -1"},
	} {
		typ, epoch, err := ParseControl(Record{Key: c.key, Value: c.value})
		got := fmt.Sprint(typ, " ", epoch)
		if err != nil {
			got = "error"
			checkError(t, name, err, ErrCorrupt)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCodecNames(t *testing.T) {
	for _, c := range allCodecs {
		if got, err := ParseCodec(c.String()); err != nil || got != c {
			t.Errorf("%s: %s, %v", c, got, err)
		}
	}
	if got, err := ParseCodec("uncompressed"); err != nil || got != CodecNone {
		t.Errorf("uncompressed: %s, %v", got, err)
	}
	_, err := ParseCodec("producer")
	checkError(t, "producer", err, ErrUnsupportedCodec)
}
