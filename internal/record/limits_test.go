package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// allocated is how many bytes do allocates, whether or not they are freed again.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// recordOfZeros is one record whose value is that many zeros.
func recordOfZeros(valueBytes int) []byte {
	b := NewBuilder(BuildOptions{})
	b.Append(0, nil, make([]byte, valueBytes))
	return b.Build().Payload()
}

// TestBombsTakeLittleMemory: a batch of at most a few hundred KiB that decompresses
// to 256 MiB, each codec, is refused without the memory that it asks for.
func TestBombsTakeLittleMemory(t *testing.T) {
	const bombBytes, limit, memoryMax = 256 << 20, 64 << 20, 12 << 20
	plain := recordOfZeros(bombBytes)
	for _, codec := range []Codec{CodecGzip, CodecLZ4, CodecZstd, CodecSnappy} {
		bomb := sealed(codec, 1, appendCompressed(nil, codec, 0, plain))
		var err error
		if got := allocated(func() { err = bomb.Validate(Limits{DecompressedBytesMax: limit}) }); got > memoryMax {
			t.Errorf("%s: Validate allocated %d bytes for a batch of %d", codec, got, len(bomb))
		}
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", codec, err)
		}
	}
}

// TestValidateOfALargeRecordTakesLittleMemory: what is passed over is not kept.
func TestValidateOfALargeRecordTakesLittleMemory(t *testing.T) {
	plain := recordOfZeros(64 << 20)
	for _, codec := range []Codec{CodecGzip, CodecLZ4, CodecZstd, CodecSnappy} {
		b := sealed(codec, 1, appendCompressed(nil, codec, 0, plain))
		var err error
		if got := allocated(func() { err = b.Validate(Limits{}) }); err != nil || got > 12<<20 {
			t.Errorf("%s: %d bytes allocated, %v", codec, got, err)
		}
	}
}

func TestClaimsAreNotAllocatedFor(t *testing.T) {
	// A zstd frame that claims a window of 128 MiB, or 512 MiB of content, and has
	// one block of one byte.
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x09, 0, 0, 'x'}
	single := binary.LittleEndian.AppendUint32([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, 512<<20)
	single = append(single, 0x09, 0, 0, 'x')
	cases := map[string]Batch{
		"zstd window":     sealed(CodecZstd, 1, window),
		"zstd content":    sealed(CodecZstd, 1, single),
		"snappy block":    sealed(CodecSnappy, 1, append(binary.AppendUvarint(nil, 1<<30), "abc"...)),
		"xerial length":   sealed(CodecSnappy, 1, append([]byte(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 'x')),
		"record length":   sealed(CodecGzip, 1, appendCompressed(nil, CodecGzip, 0, []byte{0xfe, 0xff, 0xff, 0xff, 0x0f, 0})),
		"count, no codec": sealed(CodecNone, 1<<31-1, []byte{0}),
	}
	for name, b := range cases {
		var err error
		got := allocated(func() {
			err = b.Validate(Limits{DecompressedBytesMax: 1 << 30})
			r, openErr := b.Records(Limits{DecompressedBytesMax: 1 << 30})
			if openErr == nil {
				for ok := true; ok && openErr == nil; {
					_, ok, openErr = r.Next()
				}
				r.Close()
			}
			if openErr == nil {
				t.Errorf("%s: was read", name)
			}
		})
		if got > 8<<20 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
		checkError(t, name, err, &InvalidRecordError{})
	}
}

// TestZstdOfALargeWindowIsRead: Kafka's levels 20 to 22 claim up to 128 MiB.
func TestZstdOfALargeWindowIsRead(t *testing.T) {
	want := build(t, BuildOptions{}, 100, 100_000)
	e, err := zstd.NewWriter(nil, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	var compressed bytes.Buffer
	e.Reset(&compressed)
	mustWrite(e, want.Payload())
	b := sealed(CodecZstd, 100, compressed.Bytes())
	if err := b.Validate(Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, b); len(got) != 100 {
		t.Errorf("%d records", len(got))
	}
	if err := b.Validate(Limits{DecompressedBytesMax: 5_000_000}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestSnappyIsReadBareAndJoined(t *testing.T) {
	plain := build(t, BuildOptions{}, 10, 10_000).Payload()
	half := len(plain) / 2
	joined := append(appendCompressed(nil, CodecSnappy, 0, plain[:half]), appendCompressed(nil, CodecSnappy, 0, plain[half:])...)
	for name, payload := range map[string][]byte{"bare": snappyBare(plain), "joined": joined} {
		if err := sealed(CodecSnappy, 10, payload).Validate(Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReaderMayBeClosedEarlyAndUsedAfterOthers(t *testing.T) {
	for _, codec := range allCodecs {
		b := build(t, BuildOptions{Codec: codec}, 10, 5000)
		for range 3 {
			r, err := b.Records(Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if _, ok, err := r.Next(); !ok || err != nil {
				t.Fatalf("%s: %v, %v", codec, ok, err)
			}
			r.Close()
			r.Close()
			if _, ok, err := r.Next(); ok || err == nil {
				t.Errorf("%s: Next of a closed reader gave a record", codec)
			}
			if got := readAll(t, b); len(got) != 10 {
				t.Errorf("%s: %d records", codec, len(got))
			}
		}
	}
}
