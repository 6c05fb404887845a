package storage

import (
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// Sequences holds batches to their producers' sequences by the rules of a Log, for
// a log that is kept by other means: the simulator's. It is not safe for
// concurrent use.
type Sequences struct{ table *producerTable }

// NewSequences knows no producer.
func NewSequences() *Sequences { return &Sequences{newProducerTable()} }

// Check says whether a client's batch may be appended. Where it is in the log
// already, sent is true and first is its offset there; err is
// ErrOutOfOrderSequence or ErrProducerFenced.
func (s *Sequences) Check(b record.Batch) (first model.Offset, sent bool, err error) {
	p, known := s.table.get(b.ProducerID())
	if b.ProducerID() == model.NoProducerID || !known {
		return model.NoOffset, false, nil
	}
	before, err := checkProducer(p, b, FromClient)
	if before == nil || err != nil {
		return model.NoOffset, false, err
	}
	return before.baseOffset(), true, nil
}

// Add takes a batch that is in the log.
func (s *Sequences) Add(b record.Batch) { replay(s.table, b) }
