package record

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdPooledWindowMax is the largest window that pooled decoders take, and
	// keep: that of the default level is 2 MiB. Larger ones get a decoder of their
	// own.
	zstdPooledWindowMax = 2 << 20
	// zstdWindowMin is what a window is never made smaller than: one block.
	zstdWindowMin = zstdBlockBytesMax

	// From RFC 8878.
	zstdBlockBytesMax    = 128 << 10
	zstdBlockHeaderSize  = 3
	zstdWindowPos        = 5 // of the window descriptor, where there is one
	zstdWindowExponent   = 10
	zstdWindowDescriptor = 0xff // the largest
)

// zstdReader decompresses a stream. A decoder allocates the window that a frame
// claims, and Kafka's level 22 claims 128 MiB for a batch of ten records, as could
// thirty bytes from anyone. No match reaches back further than the frame's
// beginning, so the window that is needed is never larger than the content. The
// headers of the blocks tell how large that can be; where it is less than the
// claim, the window in the frame's header is replaced.
type zstdReader struct {
	pooled *zstd.Decoder // nil: none yet
	own    *zstd.Decoder // for one batch; nil: pooled is in use
}

func (z *zstdReader) reset(src *bytes.Reader, payload []byte, bytesMax int64) error {
	var h zstd.Header
	if err := h.Decode(payload); err != nil {
		return invalidBatch("zstd: %v", err)
	}
	var in io.Reader = src
	window := h.WindowSize
	if !h.Skippable {
		need, err := zstdWindow(&h, payload, bytesMax)
		if err != nil {
			return err
		}
		if need < window && !h.SingleSegment {
			var descriptor byte
			descriptor, need = zstdWindowAtLeast(need)
			head := append([]byte(nil), payload[:h.HeaderSize]...)
			head[zstdWindowPos] = descriptor
			in = io.MultiReader(bytes.NewReader(head), bytes.NewReader(payload[h.HeaderSize:]))
		}
		window = need
	}
	d, err := z.decoder(window)
	if err != nil {
		return err
	}
	if err := d.Reset(in); err != nil {
		return invalidBatch("zstd: %v", err)
	}
	return nil
}

// decoder gives one that takes the window.
func (z *zstdReader) decoder(window uint64) (*zstd.Decoder, error) {
	which, windowMax := &z.pooled, uint64(zstdPooledWindowMax)
	if window > zstdPooledWindowMax {
		which, windowMax = &z.own, window
	}
	if *which == nil {
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1), // no goroutine
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(windowMax))
		if err != nil {
			return nil, fmt.Errorf("zstd decoder: %w", err)
		}
		*which = d
	}
	return *which, nil
}

// zstdWindow is the window that the first frame of payload needs.
func zstdWindow(h *zstd.Header, payload []byte, bytesMax int64) (uint64, error) {
	content := zstdContentMax(payload[h.HeaderSize:])
	if h.HasFCS && h.FrameContentSize > content {
		return 0, invalidBatch("zstd: the frame claims %d bytes, its blocks hold at most %d", h.FrameContentSize, content)
	}
	if h.HasFCS && h.FrameContentSize > uint64(bytesMax) {
		return 0, fmt.Errorf("%d bytes: %w", bytesMax, ErrTooLarge)
	}
	if h.SingleSegment {
		return h.FrameContentSize, nil
	}
	return min(h.WindowSize, max(min(content, uint64(bytesMax)), zstdWindowMin)), nil
}

// zstdContentMax is the most that the blocks of a frame can hold. Blocks that are
// cut off end it: the decoder will say so.
//
//	bit 0: last │ bits 1-2: type (0 raw, 1 one byte repeated, 2 compressed) │ bits 3-23: size, little endian
func zstdContentMax(blocks []byte) uint64 {
	var sum uint64
	for len(blocks) >= zstdBlockHeaderSize {
		header := uint32(blocks[0]) | uint32(blocks[1])<<8 | uint32(blocks[2])<<16
		size, stored := uint64(header>>3), uint64(header>>3)
		switch header >> 1 & 3 {
		case 1:
			stored = 1
		case 2:
			size = zstdBlockBytesMax
		}
		sum += min(size, zstdBlockBytesMax)
		if header&1 != 0 || stored > uint64(len(blocks)-zstdBlockHeaderSize) {
			break
		}
		blocks = blocks[zstdBlockHeaderSize+stored:]
	}
	return sum
}

// zstdWindowAtLeast is the smallest window of at least that size, and how a frame
// says so.
//
//	bits 3-7: exponent e │ bits 0-2: mantissa m │ window: 2^(10+e) × (1 + m/8)
func zstdWindowAtLeast(size uint64) (descriptor byte, window uint64) {
	for d := range zstdWindowDescriptor {
		base := uint64(1) << (zstdWindowExponent + d>>3)
		if window = base + base/8*uint64(d&7); window >= size {
			return byte(d), window
		}
	}
	panic(fmt.Sprintf("record: no zstd window of %d bytes", size)) // it was a window's, or a length in memory
}

func (z *zstdReader) Read(p []byte) (int, error) {
	if z.own != nil {
		return z.own.Read(p)
	}
	return z.pooled.Read(p)
}

func (z *zstdReader) release() {
	if z.own != nil {
		z.own.Close()
		z.own = nil
	}
	if z.pooled != nil && z.pooled.Reset(nil) != nil {
		z.pooled.Close()
		z.pooled = nil
	}
}
