package record

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdStreamWindowMax is the window up to which a frame is read as a stream.
	// RFC 8878 asks every decoder for 8 MiB; Kafka's levels reach it at 19.
	zstdStreamWindowMax = 8 << 20
	// zstdPooledWindowMax is the largest window a pooled decoder keeps: the one
	// of the default level.
	zstdPooledWindowMax = 2 << 20
	// zstdWindowMax is the largest window there is at any of Kafka's levels (22).
	zstdWindowMax = 128 << 20
	// zstdWholeBytesMin is the first guess at the size of a frame that is
	// decompressed whole.
	zstdWholeBytesMin = 1 << 20
)

// zstdReader decompresses as a stream while the window is small. A decoder
// allocates the window that a frame claims, so a frame of 30 bytes could make it
// take 128 MiB; a frame that claims a large window is decompressed whole instead,
// into memory that grows with what comes out, for which no window is needed.
type zstdReader struct {
	stream *zstd.Decoder // nil: none yet
	window uint64        // the largest that stream has seen since it was made
	out    io.Reader
	whole  bytes.Reader
}

func (z *zstdReader) reset(src *bytes.Reader, payload []byte, bytesMax int64) error {
	var h zstd.Header
	if err := h.Decode(payload); err != nil {
		return invalidBatch("zstd: %v", err)
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	if window > zstdStreamWindowMax && !h.Skippable {
		return z.resetWhole(payload, bytesMax)
	}
	if z.stream == nil {
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1), // no goroutine
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdStreamWindowMax))
		if err != nil {
			return invalidBatch("zstd: %v", err)
		}
		z.stream = d
	}
	// A second frame may have a larger window than the one seen here; at most
	// zstdStreamWindowMax. Only joined streams have one.
	z.window = max(z.window, window)
	if err := z.stream.Reset(src); err != nil {
		return invalidBatch("zstd: %v", err)
	}
	z.out = z.stream
	return nil
}

// resetWhole decompresses all of payload, doubling the memory from a guess.
func (z *zstdReader) resetWhole(payload []byte, bytesMax int64) error {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindowMax),
		zstd.WithDecodeAllCapLimit(true)) // never beyond the capacity it is given
	if err != nil {
		return invalidBatch("zstd: %v", err)
	}
	defer d.Close()
	for size := min(max(int64(zstdWholeBytesMin), 4*int64(len(payload))), bytesMax); ; size = min(2*size, bytesMax) {
		out, err := d.DecodeAll(payload, make([]byte, 0, size))
		switch {
		case err == nil:
			z.whole.Reset(out)
			z.out = &z.whole
			return nil
		case !errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return invalidBatch("zstd: %v", err)
		case size == bytesMax:
			return ErrTooLarge
		}
	}
}

func (z *zstdReader) Read(p []byte) (int, error) { return z.out.Read(p) }

func (z *zstdReader) release() {
	z.whole.Reset(nil)
	if z.stream == nil {
		return
	}
	if z.window > zstdPooledWindowMax || z.stream.Reset(nil) != nil {
		z.stream.Close()
		z.stream, z.window = nil, 0
	}
}
