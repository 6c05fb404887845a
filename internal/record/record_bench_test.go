package record

import (
	"fmt"
	"testing"
)

// Batches of 100 records of 1 KiB, roughly what a busy producer sends.

func eachCodec(b *testing.B, do func(*testing.B, Batch)) {
	for _, codec := range allCodecs {
		batch := build(b, BuildOptions{Codec: codec}, 100, 1024)
		plain := build(b, BuildOptions{}, 100, 1024)
		b.Run(codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			do(b, batch)
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	eachCodec(b, func(b *testing.B, batch Batch) {
		for b.Loop() {
			if err := batch.Validate(Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkValidateSmallRecords(b *testing.B) {
	batch := build(b, BuildOptions{}, 10_000, 16)
	b.ReportAllocs()
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		if err := batch.Validate(Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	eachCodec(b, func(b *testing.B, batch Batch) {
		for b.Loop() {
			r, err := batch.Records(Limits{})
			if err != nil {
				b.Fatal(err)
			}
			for ok := true; ok; {
				if _, ok, err = r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	value := make([]byte, 1024)
	for i := range value {
		value[i] = byte(i * i >> 3)
	}
	for _, codec := range allCodecs {
		b.Run(fmt.Sprint(codec), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(100 * 1024)
			builder := NewBuilder(BuildOptions{Codec: codec})
			for b.Loop() {
				builder.Reset(BuildOptions{Codec: codec})
				for range 100 {
					builder.Append(1, nil, value)
				}
				builder.Build()
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	batch := build(b, BuildOptions{}, 1, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Split(batch); err != nil {
			b.Fatal(err)
		}
	}
}
