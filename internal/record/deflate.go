package record

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// LevelDefault is each codec's own default, as is 0.
const LevelDefault = -1

const (
	gzipLevelDefault = 6
	gzipLevelMax     = 9
	lz4LevelDefault  = 9 // Kafka's; it means the fast compressor (Lz4BlockOutputStream)
	lz4LevelMax      = 9 // the library's highest; Kafka's is 17
	zstdLevelDefault = 3
)

// Encoders are pooled by level: making one costs more than compressing a batch.
var (
	gzipWriters  [gzipLevelMax + 1]sync.Pool
	lz4Writers   [lz4LevelMax + 1]sync.Pool
	zstdEncoders [zstd.SpeedBestCompression + 1]sync.Pool
)

// appender is a Writer onto the end of a slice.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// appendCompressed compresses src onto dst.
func appendCompressed(dst []byte, codec Codec, level int, src []byte) []byte {
	switch codec {
	case CodecNone:
		return append(dst, src...)
	case CodecGzip:
		return appendGzip(dst, level, src)
	case CodecSnappy:
		framed := xerial.Encode(make([]byte, 0, xerialHeaderSize+len(src)/2), src)
		return append(dst, framed...)
	case CodecLZ4:
		return appendLZ4(dst, level, src)
	case CodecZstd:
		return appendZstd(dst, level, src)
	}
	panic(fmt.Sprintf("record: no compressor for codec %d", codec))
}

// mustWrite writes all of src to a compressor that writes to memory: there is
// nothing that could fail but ourselves.
func mustWrite(w io.WriteCloser, src []byte) {
	if _, err := w.Write(src); err != nil {
		panic(fmt.Sprintf("record: compress to memory: %v", err))
	}
	if err := w.Close(); err != nil {
		panic(fmt.Sprintf("record: compress to memory: %v", err))
	}
}

func appendGzip(dst []byte, level int, src []byte) []byte {
	if level <= 0 || level > gzipLevelMax {
		level = gzipLevelDefault
	}
	out := appender{b: dst}
	w, ok := gzipWriters[level].Get().(*gzip.Writer)
	if !ok {
		w, _ = gzip.NewWriterLevel(&out, level) // the level is in range
	} else {
		w.Reset(&out)
	}
	mustWrite(w, src)
	w.Reset(io.Discard)
	gzipWriters[level].Put(w)
	return out.b
}

func appendLZ4(dst []byte, level int, src []byte) []byte {
	if level <= 0 || level == lz4LevelDefault {
		level = 0
	}
	level = min(level, lz4LevelMax)
	out := appender{b: dst}
	w, ok := lz4Writers[level].Get().(*lz4.Writer)
	if !ok {
		w = lz4.NewWriter(&out)
		strength := lz4.Fast
		if level > 0 {
			strength = lz4.CompressionLevel(1 << (8 + level)) // Level1 is 1<<9, and so on
		}
		// 64 KiB is Kafka's block size: its decoder takes a buffer of it.
		if err := w.Apply(lz4.CompressionLevelOption(strength), lz4.BlockSizeOption(lz4.Block64Kb), lz4.ConcurrencyOption(1)); err != nil {
			panic(fmt.Sprintf("record: lz4 options: %v", err))
		}
	} else {
		w.Reset(&out)
	}
	mustWrite(w, src)
	w.Reset(io.Discard)
	lz4Writers[level].Put(w)
	return out.b
}

func appendZstd(dst []byte, level int, src []byte) []byte {
	if level == 0 || level == LevelDefault {
		level = zstdLevelDefault
	}
	speed := zstd.EncoderLevelFromZstd(level)
	e, ok := zstdEncoders[speed].Get().(*zstd.Encoder)
	if !ok {
		var err error
		e, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(speed), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(fmt.Sprintf("record: zstd options: %v", err))
		}
	}
	dst = e.EncodeAll(src, dst)
	zstdEncoders[speed].Put(e)
	return dst
}
