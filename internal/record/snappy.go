package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
)

// Snappy comes in two forms. Java and librdkafka write xerial's framing, which is
// what we write as well; franz-go and others a bare block. The framing:
//
//	82 'S' 'N' 'A' 'P' 'P' 'Y' 00 │ version int32 │ compatible int32 │ { length int32 │ block }…
//
// big endian, blocks of 32 KiB before compression. The header may come again in
// the place of a length where streams have been joined.
const (
	xerialMagic      = "\x82SNAPPY\x00"
	xerialHeaderSize = 16

	// snappyRatioMax is the most that a block can expand: a copy of three bytes
	// yields 64. A block that claims more is a lie, and is not allocated for.
	snappyRatioMax = 22
	// snappyPooledMax is the largest block buffer that is kept.
	snappyPooledMax = 1 << 20
)

var errSnappy = errors.New("malformed snappy data")

// snappyReader decompresses block by block.
type snappyReader struct {
	src     []byte
	left    int64 // bytes that may still come out
	framed  bool
	started bool
	block   []byte // what is decompressed and not read yet
	buf     []byte // memory of block
}

func (s *snappyReader) reset(src []byte, bytesMax int64) {
	s.src, s.left, s.block, s.started = src, bytesMax, nil, false
	s.framed = bytes.HasPrefix(src, []byte(xerialMagic))
}

func (s *snappyReader) release() {
	s.src, s.block = nil, nil
	if cap(s.buf) > snappyPooledMax {
		s.buf = nil
	}
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.block) == 0 {
		compressed, err := s.cut()
		if err != nil {
			return 0, err
		}
		if err := s.decompress(compressed); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.block)
	s.block = s.block[n:]
	return n, nil
}

// cut takes the next compressed block off the source.
func (s *snappyReader) cut() ([]byte, error) {
	if !s.framed {
		if s.started {
			return nil, io.EOF
		}
		s.started = true
		return s.src, nil
	}
	for bytes.HasPrefix(s.src, []byte(xerialMagic)) {
		if len(s.src) < xerialHeaderSize {
			return nil, errSnappy
		}
		s.src = s.src[xerialHeaderSize:]
	}
	if len(s.src) == 0 {
		return nil, io.EOF
	}
	if len(s.src) < 4 {
		return nil, errSnappy
	}
	length := int64(binary.BigEndian.Uint32(s.src))
	s.src = s.src[4:]
	if length > int64(len(s.src)) {
		return nil, errSnappy
	}
	compressed := s.src[:length]
	s.src = s.src[length:]
	return compressed, nil
}

func (s *snappyReader) decompress(compressed []byte) error {
	size, err := snappy.DecodedLen(compressed)
	if err != nil || int64(size) > int64(len(compressed))*snappyRatioMax {
		return errSnappy
	}
	if s.left -= int64(size); s.left < 0 {
		return ErrTooLarge
	}
	if size > cap(s.buf) {
		s.buf = make([]byte, size)
	}
	// Strict: the other decoder takes an extension that no Kafka client reads.
	s.block, err = snappy.DecodeStrict(s.buf[:0], compressed)
	if err != nil {
		return fmt.Errorf("%w: %w", errSnappy, err)
	}
	return nil
}
