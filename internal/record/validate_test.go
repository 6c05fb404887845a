package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// sealed makes a batch of these record bytes, its header as that of count
// records, length and CRC right.
func sealed(codec Codec, count int32, payload []byte) Batch {
	b := Batch(append(make([]byte, HeaderSize), payload...))
	(&Builder{options: BuildOptions{Codec: codec}, count: count}).putHeader(b, count-1)
	b.setAttributes(Attributes(codec))
	b.sealCRC()
	return b
}

func TestValidateRefusesBrokenHeaders(t *testing.T) {
	put32 := func(pos int, v uint32) func(Batch) Batch {
		return func(b Batch) Batch { binary.BigEndian.PutUint32(b[pos:], v); b.sealCRC(); return b }
	}
	put64 := func(pos int, v uint64) func(Batch) Batch {
		return func(b Batch) Batch { binary.BigEndian.PutUint64(b[pos:], v); b.sealCRC(); return b }
	}
	attributes := func(a Attributes) func(Batch) Batch {
		return func(b Batch) Batch { b.setAttributes(a); b.sealCRC(); return b }
	}
	invalid := &InvalidRecordError{}
	cases := map[string]struct {
		spoil func(Batch) Batch
		want  error
	}{
		"too short":                   {func(b Batch) Batch { return b[:HeaderSize-1] }, ErrTruncated},
		"cut":                         {func(b Batch) Batch { return b[:len(b)-1] }, ErrCorrupt},
		"magic 1":                     {func(b Batch) Batch { b[posMagic] = 1; return b }, ErrUnsupportedMagic},
		"magic 3":                     {func(b Batch) Batch { b[posMagic] = 3; return b }, ErrUnsupportedMagic},
		"a flipped bit":               {func(b Batch) Batch { b[len(b)-1] ^= 1; return b }, ErrCorrupt},
		"codec 5":                     {attributes(5), ErrUnsupportedCodec},
		"control":                     {attributes(attrControl), invalid},
		"delete horizon":              {attributes(attrDeleteHorizon), invalid},
		"transaction of nobody":       {attributes(attrTransactional), invalid},
		"LogAppendTime":               {attributes(attrLogAppendTime), &InvalidTimestampError{}},
		"count 0":                     {put32(posCount, 0), invalid},
		"count -1":                    {put32(posCount, math.MaxUint32), invalid},
		"count too small":             {put32(posCount, 2), invalid},
		"last offset delta too large": {put32(posLastOffsetDelta, 3), invalid},
		"negative last offset delta":  {put32(posLastOffsetDelta, math.MaxUint32), invalid},
		"count beyond the records": {func(b Batch) Batch {
			binary.BigEndian.PutUint32(b[posLastOffsetDelta:], math.MaxInt32-1)
			return put32(posCount, math.MaxInt32)(b)
		}, invalid},
		"count before the records": {func(b Batch) Batch {
			binary.BigEndian.PutUint32(b[posLastOffsetDelta:], 1)
			return put32(posCount, 2)(b)
		}, invalid},
		"negative base offset":        {func(b Batch) Batch { b.SetBaseOffset(-1); return b }, invalid},
		"base offset near the end":    {func(b Batch) Batch { b.SetBaseOffset(math.MaxInt64 - 1); return b }, invalid},
		"producer without a sequence": {put64(posProducerID, 5), invalid},
		"producer id -2":              {put64(posProducerID, math.MaxUint64-1), invalid},
	}
	for name, c := range cases {
		b := build(t, BuildOptions{}, 3, 10)
		if err := b.Validate(Limits{}); err != nil {
			t.Fatal(err)
		}
		checkError(t, name, c.spoil(b).Validate(Limits{}), c.want)
	}
}

func checkError(t testing.TB, what string, err, want error) {
	t.Helper()
	var invalid *InvalidRecordError
	var timestamp *InvalidTimestampError
	ok := errors.Is(err, want)
	switch want.(type) {
	case *InvalidRecordError:
		ok = errors.As(err, &invalid)
	case *InvalidTimestampError:
		ok = errors.As(err, &timestamp)
	}
	if !ok {
		t.Errorf("%s: %v, want %T %v", what, err, want, want)
	}
}

// TestValidateRefusesBrokenRecords puts each broken record first in a batch, with
// every codec, and behind so many good ones that the window has to move.
func TestValidateRefusesBrokenRecords(t *testing.T) {
	cases := map[string][]byte{
		"negative length":            {0x01},
		"length beyond the batch":    {0x7e},
		"length of 2 GiB":            {0xfe, 0xff, 0xff, 0xff, 0x0f},
		"length does not fit":        {0xff, 0xff, 0xff, 0xff, 0x1f},
		"length never ends":          {0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"empty record":               {0x00},
		"timestamp does not fit":     {24, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0},
		"offset delta is wrong":      {12, 0, 0, 8, 1, 1, 0},
		"key of -2":                  {12, 0, 0, 0, 3, 1, 0},
		"key beyond the record":      {12, 0, 0, 0, 8, 1, 0},
		"value of -2":                {12, 0, 0, 0, 1, 3, 0},
		"value beyond the record":    {12, 0, 0, 0, 1, 2, 0},
		"negative number of headers": {12, 0, 0, 0, 1, 1, 1},
		"headers beyond the record":  {12, 0, 0, 0, 1, 1, 2},
		"2^31 headers":               {20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f},
		"null header key":            {16, 0, 0, 0, 1, 1, 2, 1, 1},
		"bytes behind the fields":    {14, 0, 0, 0, 1, 1, 0, 0},
		"fields longer than length":  {10, 0, 0, 0, 1, 1, 0},
	}
	for name, bad := range cases {
		for _, codec := range allCodecs {
			b := sealed(codec, 1, appendCompressed(nil, codec, 0, bad))
			what := fmt.Sprintf("%s, %s", name, codec)
			checkError(t, what, b.Validate(Limits{}), &InvalidRecordError{})
			r, err := b.Records(Limits{})
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			if name == "offset delta is wrong" {
				continue // to a reader it is a gap, which a header may allow
			}
			if _, _, err := r.Next(); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: Next says %v, want ErrCorrupt", what, err)
			}
			if _, _, err := r.Next(); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: Next says %v the second time", what, err)
			}
			r.Close()
		}
	}
}

func TestValidateRefusesWhatDoesNotDecompress(t *testing.T) {
	good := build(t, BuildOptions{}, 3, 1000).Payload()
	for _, codec := range allCodecs[1:] {
		compressed := appendCompressed(nil, codec, 0, good)
		for name, payload := range map[string][]byte{
			"empty":         nil,
			"noise":         []byte("this was never compressed"),
			"cut":           compressed[:len(compressed)-5],
			"cut early":     compressed[:len(compressed)/4],
			"rest behind":   append(compressed[:len(compressed):len(compressed)], "rest"...),
			"one more byte": appendCompressed(nil, codec, 0, append(good[:len(good):len(good)], 0)),
		} {
			checkError(t, fmt.Sprintf("%s, %s", name, codec), sealed(codec, 3, payload).Validate(Limits{}), &InvalidRecordError{})
		}
		if err := sealed(codec, 3, compressed).Validate(Limits{}); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
	}
}

func TestInspectReportsNullKeysByRecord(t *testing.T) {
	for _, codec := range allCodecs {
		b := NewBuilder(BuildOptions{Codec: codec})
		for i := range 5 {
			key := []byte("k")
			if i == 1 || i == 3 {
				key = nil
			}
			b.Append(1, key, nil)
		}
		batch := b.Build()
		if err := batch.Validate(Limits{}); err != nil {
			t.Fatal(err)
		}
		_, err := batch.Inspect(Rules{RequireKeys: true})
		var invalid *InvalidRecordError
		if !errors.As(err, &invalid) || invalid.Index != 1 || len(invalid.Records) != 2 || invalid.Records[1].Index != 3 {
			t.Errorf("%s: %+v", codec, err)
		}
	}
}

func TestInspectReportsTimestampsByRecord(t *testing.T) {
	b := NewBuilder(BuildOptions{})
	for _, ts := range []model.Timestamp{100, 99, model.NoTimestamp, 200, 201} {
		b.Append(ts, nil, nil)
	}
	_, err := b.Build().Inspect(Rules{CheckTimestamps: true, EarliestTimestamp: 100, LatestTimestamp: 200, RequireKeys: true})
	var invalid *InvalidTimestampError
	if !errors.As(err, &invalid) || invalid.Index != 1 || invalid.Timestamp != 99 || len(invalid.Records) != 2 || invalid.Records[1].Index != 4 {
		t.Errorf("%+v", err)
	}
}

func TestInspectBoundsItsReport(t *testing.T) {
	b := NewBuilder(BuildOptions{})
	for range 1000 {
		b.Append(1, nil, nil)
	}
	_, err := b.Build().Inspect(Rules{RequireKeys: true, CheckTimestamps: false})
	var invalid *InvalidRecordError
	if !errors.As(err, &invalid) || len(invalid.Records) != recordErrorsMax {
		t.Errorf("%v", err)
	}
}

func TestInspectSumsUp(t *testing.T) {
	for _, codec := range allCodecs {
		b := NewBuilder(BuildOptions{Codec: codec})
		for _, ts := range []model.Timestamp{5, 9, 2, 9} {
			b.Append(ts, nil, []byte("v"))
		}
		batch := b.Build()
		size := int64(b.Size() - HeaderSize)
		if codec == CodecNone {
			size = int64(len(batch) - HeaderSize)
		}
		batch.SetMaxTimestamp(4) // as a careless client has it
		got, err := batch.Inspect(Rules{})
		want := Summary{MaxTimestamp: 9, MaxTimestampOffsetDelta: 1, RecordBytes: size}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", codec, got, err, want)
		}
	}
}

func TestOverlongVarintsOfTheRightValueAreTaken(t *testing.T) {
	// As Kafka takes them: lengths 7 and 0 in two bytes.
	if err := sealed(CodecNone, 1, []byte{0x8e, 0x00, 0, 0x80, 0x00, 0, 1, 1, 0}).Validate(Limits{}); err != nil {
		t.Error(err)
	}
}

// TestInspectAllocatesNothing: the uncompressed path of every produce request.
func TestInspectAllocatesNothing(t *testing.T) {
	b := build(t, BuildOptions{}, 100, 100)
	rules := Rules{RequireKeys: true, CheckTimestamps: true, LatestTimestamp: math.MaxInt64}
	if n := testing.AllocsPerRun(100, func() {
		first, _, err := Split(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := first.Inspect(rules); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
