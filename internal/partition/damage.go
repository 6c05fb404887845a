package partition

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
)

// damaged deals with a log that does not hold what was written. Where others have
// the partition too, the node is told (Options.Damaged), which gives this copy up: it
// is not for a single copy to decide that what it has lost was not committed. It
// reports whether it was.
func (s *Set) damaged(name model.TopicPartition, replicas int, err error) bool {
	if _, corrupt := errors.AsType[*storage.CorruptError](err); !corrupt && !errors.Is(err, record.ErrCorrupt) {
		return false
	}
	if replicas < 2 || s.options.Damaged == nil {
		return false
	}
	s.options.Damaged(name, err)
	return true
}

// goOfflineLocked ends the partition on this node, for what its disk holds.
func (p *Partition) goOfflineLocked(err error) {
	p.failLocked(ErrOffline)
	if !p.set.damaged(p.name, len(p.state.Load().Replicas), err) {
		go p.set.setOffline(p.name, err) // it takes the set's lock, which is not for here
	}
}

// checkRotten holds what readers are about to be given to its checksums, where other
// nodes have it too: they can be read from, when this copy is given up.
func (p *Partition) checkRotten(batches []byte) error {
	replicas := len(p.state.Load().Replicas)
	if replicas < 2 {
		return nil
	}
	err := checkBatches(batches)
	if err == nil || !p.set.damaged(p.name, replicas, err) {
		return nil // nobody can do better: the reader looks at it himself
	}
	p.fail(ErrOffline)
	return ErrOffline
}

// checkBatches holds batches from the disk to their checksums: what it has spoiled must
// not look like the leader's word.
func checkBatches(batches []byte) error {
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err == nil {
			err = b.CheckCRC()
		}
		if err != nil {
			return fmt.Errorf("batch at byte %d of %d: %w", len(batches)-len(rest), len(batches), err)
		}
		rest = after
	}
	return nil
}
