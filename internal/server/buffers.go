package server

import (
	"math/bits"
	"slices"
	"sync"
)

const (
	// bufferBytesMin is the smallest buffer: most requests and replies that
	// carry no records fit.
	bufferBytesMin = 1 << bufferBitsMin
	bufferBitsMin  = 10
	// pooledBytesMax is the largest buffer worth keeping for reuse; beyond it
	// rounding up to a power of two would waste more than allocating costs.
	pooledBytesMax = 1 << pooledBitsMax
	pooledBitsMax  = 24
	// firstBufferBytesMax is what a frame gets on its claimed length alone.
	firstBufferBytesMax = 4 << 10
)

// buffers keeps buffers of 1 KiB, 2 KiB … 16 MiB for reuse. The garbage
// collector empties it when nobody uses them.
type buffers struct {
	classes [pooledBitsMax - bufferBitsMin + 1]sync.Pool
}

// classBytes returns the size of the smallest pooled buffer that holds n bytes.
// n must be at most pooledBytesMax.
func classBytes(n int) int {
	return 1 << max(bits.Len(uint(max(n, 1)-1)), bufferBitsMin)
}

// get returns a buffer of length n or, where n is pooled, of n's class.
func (b *buffers) get(n int) []byte {
	if n > pooledBytesMax {
		return make([]byte, n)
	}
	n = classBytes(n)
	if p, ok := b.classes[bits.Len(uint(n))-1-bufferBitsMin].Get().(*[]byte); ok {
		return (*p)[:n]
	}
	return make([]byte, n)
}

// put takes back a buffer that nobody refers to any more. It need not come from
// get: one that append has grown goes to the largest class it can serve.
func (b *buffers) put(buf []byte) {
	c := cap(buf)
	if c < bufferBytesMin || c >= 2*pooledBytesMax {
		return
	}
	b.classes[bits.Len(uint(c))-1-bufferBitsMin].Put(&buf)
}

// grow returns dst with room for n more bytes, in a pooled buffer where that
// needs a new one. The old one is left to the collector: the caller may share it.
func (b *buffers) grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	if b == nil {
		return slices.Grow(dst, n)
	}
	return append(b.get(len(dst) + n)[:0], dst...)
}

// nextBufferBytes is how large a frame's buffer should be after one of size
// have, of which every byte has arrived, for a frame of size claimed. It starts
// (have = 0) with firstBufferBytesMax at most and doubles, so that what is
// allocated stays below twice what has arrived, whatever is claimed.
func nextBufferBytes(have, claimed int) int {
	next := min(max(2*have, firstBufferBytesMax), claimed)
	if next > pooledBytesMax {
		return next
	}
	return classBytes(next)
}
