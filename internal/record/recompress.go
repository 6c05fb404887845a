package record

import (
	"errors"
	"fmt"
)

// Recompress is b with its records compressed by another codec, for a topic whose
// compression.type is not the producer's choice. The records' bytes, offsets and
// timestamps stay. A batch of that codec already is returned as it is.
func Recompress(b Batch, codec Codec, level int, l Limits) (Batch, error) {
	from := b.Attributes().Codec()
	if from == codec || b.Count() <= 0 {
		return b, nil
	}
	if !codec.known() || !from.known() {
		return nil, fmt.Errorf("recompress from codec %d to %d: %w", from, codec, ErrUnsupportedCodec)
	}
	records := b.Payload()
	if from != CodecNone {
		f, err := openInflater(from, b.Payload(), l.decompressedBytesMax())
		if err != nil {
			return nil, fmt.Errorf("recompress: %w", err)
		}
		c := f.cursor()
		defer f.release(&c)
		if records, err = c.rest(); err != nil {
			return nil, fmt.Errorf("recompress from %s: %w", from, err)
		}
	}
	out := Batch(append(make([]byte, 0, HeaderSize+len(records)/2), b[:HeaderSize]...))
	out = appendCompressed(out, codec, level, records)
	out.setAttributes(b.Attributes()&^attrCodecMask | Attributes(codec))
	out.seal()
	return out, nil
}

// rest reads to the end of the stream. What it returns is in the window.
func (c *cursor) rest() ([]byte, error) {
	for c.ensure(c.end - c.pos + 1) {
	}
	switch err := c.failure(); {
	case err == nil:
		return c.buf[c.pos:c.end], nil
	case errors.Is(err, ErrTooLarge):
		return nil, ErrTooLarge
	default:
		return nil, invalidBatch("%v", err)
	}
}
