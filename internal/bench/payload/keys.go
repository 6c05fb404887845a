package payload

import (
	"fmt"
	"strconv"
	"strings"
)

// keyBytes is the size of every key: a number in 16 hexadecimal digits, which any tool
// can show.
const keyBytes = 16

// Keys says which keys records have.
type Keys struct {
	kind keyKind
	of   uint64 // how many there are of random ones
}

type keyKind int

const (
	keysNone keyKind = iota
	keysSequential
	keysRandom
)

// ParseKeys reads none, sequential (each record a key of its own, in ascending order for
// each caller) or random:N (one of N).
func ParseKeys(text string) (Keys, error) {
	switch text {
	case "none":
		return Keys{}, nil
	case "sequential":
		return Keys{kind: keysSequential}, nil
	}
	number, ok := strings.CutPrefix(text, "random:")
	if !ok {
		return Keys{}, fmt.Errorf("%q says no keys: none, sequential or random:N", text)
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n == 0 {
		return Keys{}, fmt.Errorf("%q: N is how many keys there are, 1 or more", text)
	}
	return Keys{kind: keysRandom, of: n}, nil
}

// Bytes is the size of each key; 0 where there are none.
func (k Keys) Bytes() int {
	if k.kind == keysNone {
		return 0
	}
	return keyBytes
}

// write writes a key.
func (k Keys) write(key []byte, sequence uint64, s *source) {
	number := sequence
	switch k.kind {
	case keysNone:
		return
	case keysRandom:
		number = s.next() % k.of
	case keysSequential:
	}
	const digits = "0123456789abcdef"
	for i := range keyBytes {
		key[i] = digits[number>>(4*(keyBytes-1-i))&15]
	}
}
