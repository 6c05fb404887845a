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
	if !isDamage(err) || replicas < 2 || s.options.Damaged == nil {
		return false
	}
	s.options.Damaged(name, err)
	return true
}

// isDamage: the disk holds what was never written.
func isDamage(err error) bool {
	_, corrupt := errors.AsType[*storage.CorruptError](err)
	return corrupt || errors.Is(err, record.ErrCorrupt)
}

// goOfflineLocked ends the partition on this node, for what its disk holds.
func (p *Partition) goOfflineLocked(err error) {
	p.failLocked(ErrOffline)
	if !p.set.damaged(p.name, p.state.Load().Copies(), err) {
		go p.set.setOffline(p.name, err) // it takes the set's lock, which is not for here
	}
}

// checkRotten holds what readers are about to be given, which ends before bound, to its
// checksums, where other nodes have it too: they can be read from, when this copy is
// given up. damage is what reading has found; nil: none.
func (p *Partition) checkRotten(batches []byte, bound model.Offset, damage error) error {
	replicas := p.state.Load().Copies()
	if replicas < 2 {
		return damage
	}
	found := damage
	if found == nil {
		found = checkBatches(batches, bound)
	}
	if found == nil || !p.set.damaged(p.name, replicas, found) {
		return damage // nobody can do better: the reader looks at it himself
	}
	p.fail(ErrOffline)
	return ErrOffline
}

// checkBatches holds batches from the disk, which end before bound, to their checksums
// and to each other: what the disk has spoiled must not look like the leader's word, and
// the checksums leave the base offset and the leader epoch out.
func checkBatches(batches []byte, bound model.Offset) error {
	next, epoch := model.Offset(0), model.LeaderEpoch(0)
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err == nil {
			err = b.CheckCRC()
		}
		switch {
		case err != nil:
		case b.BaseOffset() < next, b.NextOffset() > bound:
			err = fmt.Errorf("offsets %d to %d after %d and below %d: %w", b.BaseOffset(), b.LastOffset(), next, bound, record.ErrCorrupt)
		case b.LeaderEpoch() < epoch:
			err = fmt.Errorf("leader epoch %d after %d: %w", b.LeaderEpoch(), epoch, record.ErrCorrupt)
		default:
			next, epoch = b.NextOffset(), b.LeaderEpoch()
		}
		if err != nil {
			return fmt.Errorf("batch at byte %d of %d: %w", len(batches)-len(rest), len(batches), err)
		}
		rest = after
	}
	return nil
}
