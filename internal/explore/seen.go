package explore

// seen is a set of hashes, 0 excluded, in open addressing: eight bytes a place.
type seen struct {
	places []uint64
	count  int
}

func newSeen() seen { return seen{places: make([]uint64, 1<<16)} }

// add reports whether a hash is new.
func (s *seen) add(h uint64) bool {
	if 4*s.count >= 3*len(s.places) {
		s.grow()
	}
	if !put(s.places, h) {
		return false
	}
	s.count++
	return true
}

func put(places []uint64, h uint64) bool {
	mask := uint64(len(places) - 1)
	for at := h >> 7 & mask; ; at = (at + 1) & mask {
		switch places[at] {
		case 0:
			places[at] = h
			return true
		case h:
			return false
		}
	}
}

func (s *seen) grow() {
	next := make([]uint64, 2*len(s.places))
	for _, h := range s.places {
		if h != 0 {
			put(next, h)
		}
	}
	s.places = next
}

// chunkLen is how many values a list takes room for at a time: growing never copies.
const chunkLen = 1 << 16

// list is a long list that is written once and read in order or by place.
type list[T any] struct {
	chunks [][]T
	length int
}

func (l *list[T]) add(v T) {
	if l.length%chunkLen == 0 {
		l.chunks = append(l.chunks, make([]T, 0, chunkLen))
	}
	last := len(l.chunks) - 1
	l.chunks[last] = append(l.chunks[last], v)
	l.length++
}

func (l *list[T]) at(i int) *T { return &l.chunks[i/chunkLen][i%chunkLen] }

// dropChunk gives back the memory of what comes before the place i, where a chunk
// begins there.
func (l *list[T]) dropChunk(i int) {
	if i > 0 && i%chunkLen == 0 {
		l.chunks[i/chunkLen-1] = nil
	}
}
