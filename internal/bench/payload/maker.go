package payload

// Maker makes the records of one caller, without allocating.
type Maker struct {
	shape  Shape
	keys   Keys
	run    uint64
	source source
}

// NewMaker makes a maker of records of a run. Each caller's has another seed, so that no
// two send the same.
func NewMaker(shape Shape, keys Keys, run, seed uint64) *Maker {
	return &Maker{shape: shape, keys: keys, run: run, source: source(run ^ seed*0xd1342543de82ef95)}
}

// Slot is the memory of a record, which may be used again once the record has been
// acknowledged.
type Slot struct {
	Key   []byte // nil where records have none
	Value []byte
}

// NewSlot allocates a slot for this maker's records, zeroed.
func (m *Maker) NewSlot() Slot {
	s := Slot{Value: make([]byte, m.shape.Size)}
	if n := m.keys.Bytes(); n > 0 {
		s.Key = make([]byte, n)
	}
	return s
}

// Bytes is the size of each record, key and value.
func (m *Maker) Bytes() int { return m.shape.Size + m.keys.Bytes() }

// Make writes the record of a number into a slot. due is in nanoseconds since the run
// began. Values of less than StampBytes are filling alone.
func (m *Maker) Make(s Slot, sequence uint64, due int64) {
	filling := s.Value
	stamped := len(filling) >= StampBytes
	if stamped {
		filling = filling[StampBytes:]
	}
	switch m.shape.Pattern {
	case Random:
		m.source.fill(filling)
	case Text:
		m.source.write(filling, m.shape.Compressibility)
	case Zeros: // as the slot came
	}
	m.keys.write(s.Key, sequence, &m.source)
	if stamped {
		stampOnto(s.Value, s.Key, Stamp{Run: m.run, Sequence: sequence, Due: due})
	}
}
