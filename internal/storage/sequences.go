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

// Sent is where a batch is that is in the log already: from Base, or NoOffset where that
// is no longer known, and below End.
type Sent struct{ Base, End model.Offset }

// Check says whether a client's batch may be appended. It is not nil where the batch is
// in the log already; err is ErrOutOfOrderSequence or ErrProducerFenced.
func (s *Sequences) Check(b record.Batch) (*Sent, error) {
	p, known := s.table.get(b.ProducerID())
	if b.ProducerID() == model.NoProducerID || !known {
		return nil, nil
	}
	before, err := checkProducer(p, b, FromClient)
	if before == nil || err != nil {
		return nil, err
	}
	return &Sent{Base: before.base, End: before.end}, nil
}

// Add takes a batch that is in the log.
func (s *Sequences) Add(b record.Batch) { replay(s.table, b) }
