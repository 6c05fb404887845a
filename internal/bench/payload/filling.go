package payload

import (
	"encoding/binary"
	"fmt"
)

// Pattern is what values are filled with.
type Pattern string

// Patterns by what a codec makes of them.
const (
	Random Pattern = "random" // nothing: as large as before
	Zeros  Pattern = "zeros"  // next to nothing is left
	Text   Pattern = "text"   // as Shape.Compressibility says
)

// ParsePattern reads the name of a pattern.
func ParsePattern(name string) (Pattern, error) {
	switch p := Pattern(name); p {
	case Random, Zeros, Text:
		return p, nil
	default:
		return "", fmt.Errorf("%q is no pattern: random, zeros or text", name)
	}
}

// Shape is what all values of a run have in common.
type Shape struct {
	Size    int // bytes of a value
	Pattern Pattern
	// Compressibility is for Text: the share of the words that are of a few common ones,
	// 0 to 1, while all others are random letters.
	Compressibility float64
}

// source is splitmix64: filling a record costs hardly more than a copy, and unlike one
// from a pool it repeats nothing that a codec with a large window could find.
type source uint64

func (s *source) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *source) fill(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, s.next())
	}
	if len(b) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], s.next())
		copy(b, last[:])
	}
}

// wordBytes is a word with the space that follows it.
const wordBytes = 8

// commonWords are what compressible text consists of: sixteen words of wordBytes.
const commonWords = "account balance benefit catalog channel cluster consume deliver " +
	"gateway journal message network payment product service storage "

// letters are as many as six bits tell apart.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// write fills b with words, of which a share are common ones.
func (s *source) write(b []byte, share float64) {
	common := uint64(share * (1 << 16))
	for len(b) > 0 {
		r := s.next()
		var word [wordBytes]byte
		if r&0xffff < common {
			at := int(r>>16) % (len(commonWords) / wordBytes) * wordBytes
			copy(word[:], commonWords[at:])
		} else {
			r >>= 16
			for i := range wordBytes - 1 {
				word[i] = letters[r>>(6*i)&63]
			}
			word[wordBytes-1] = ' '
		}
		b = b[copy(b, word[:]):]
	}
}
