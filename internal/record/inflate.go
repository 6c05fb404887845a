package record

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
)

const (
	// windowBytes is the window through which a compressed batch is read.
	windowBytes = 32 << 10
	// windowPooledMax is the largest window that goes back to the pool, so that
	// one huge record does not stay in memory.
	windowPooledMax = 256 << 10
)

// inflater is a decompressor with its window; one for each codec and reader at
// work, pooled because making one costs more than reading a small batch.
type inflater struct {
	codec  Codec
	src    bytes.Reader
	window []byte
	left   int64
	out    io.Reader // one of those below

	gzip   gzip.Reader
	snappy snappyReader
	lz4    *lz4.Reader
	zstd   zstdReader
}

// inflaters is indexed by codec.
var inflaters [codecCount]sync.Pool

// openInflater readies a decompressor for payload, of which bytesMax bytes may
// come out.
func openInflater(codec Codec, payload []byte, bytesMax int64) (*inflater, error) {
	f, ok := inflaters[codec].Get().(*inflater)
	if !ok {
		f = &inflater{codec: codec, window: make([]byte, windowBytes)}
	}
	f.src.Reset(payload)
	f.left = bytesMax
	if err := f.reset(payload, bytesMax); err != nil {
		f.release(&cursor{buf: f.window})
		return nil, err
	}
	return f, nil
}

func (f *inflater) reset(payload []byte, bytesMax int64) error {
	switch f.codec {
	case CodecGzip:
		if err := f.gzip.Reset(&f.src); err != nil {
			return invalidBatch("gzip: %v", err)
		}
		f.out = &f.gzip
	case CodecSnappy:
		f.snappy.reset(payload, bytesMax)
		f.out = &f.snappy
	case CodecLZ4:
		if f.lz4 == nil {
			f.lz4 = lz4.NewReader(&f.src)
		} else {
			f.lz4.Reset(&f.src)
		}
		f.out = f.lz4
	case CodecZstd:
		if err := f.zstd.reset(&f.src, payload, bytesMax); err != nil {
			return err
		}
		f.out = &f.zstd
	default:
		panic(fmt.Sprintf("record: no inflater for codec %d", f.codec))
	}
	return nil
}

func (f *inflater) cursor() cursor {
	return cursor{buf: f.window, in: f.out, left: f.left}
}

// release puts the inflater back. Nothing that was read through it may be used
// afterwards.
func (f *inflater) release(c *cursor) {
	if len(c.buf) <= windowPooledMax {
		f.window = c.buf
	}
	f.src.Reset(nil)
	f.snappy.release()
	f.zstd.release()
	inflaters[f.codec].Put(f)
}
