package partition

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// Isolation is how far a reader may see.
type Isolation int8

// The first two numbers are Kafka's isolation levels.
const (
	ReadUncommitted Isolation = 0 // up to the high watermark
	ReadCommitted   Isolation = 1 // up to the last stable offset
	// ReadLogEnd sees all that the leader has: for the node's own coordinators,
	// which load what they are about to answer for.
	ReadLogEnd Isolation = 2
)

// Read says what to read.
type Read struct {
	From      model.Offset
	MaxBytes  int
	Isolation Isolation
	// MinOneBatch returns a first batch even where it is larger than MaxBytes,
	// so that a consumer never gets stuck (KIP-74).
	MinOneBatch bool
	// Epoch is the leader epoch the reader knows, or NoLeaderEpoch.
	Epoch model.LeaderEpoch
	// AnyReplica reads also where this node follows (KIP-392).
	AnyReplica bool
	// LastEpoch is the epoch of the last record the reader has, or
	// NoLeaderEpoch; a log that diverges from it is told, not read (KIP-595).
	LastEpoch model.LeaderEpoch
	// Buffer is used for the batches where its capacity suffices; may be nil. Grow makes
	// room where it does not; see storage.Read.
	Buffer []byte
	Grow   func(buf []byte, n int) []byte
}

// ReadResult is what a read found.
type ReadResult struct {
	Offsets
	// Batches are whole batches; the first may begin below Read.From. Their
	// memory is Read.Buffer where that sufficed, or of Read.Grow.
	Batches []byte
	// Aborted lists the aborted transactions in Batches, under ReadCommitted.
	Aborted []storage.Aborted
	// Diverging is set, and Batches empty, where the reader's last record
	// is not in this log: it truncates to there.
	Diverging *storage.EpochEnd
}

// Read reads batches. It does not wait: see Watch.
func (p *Partition) Read(r Read) (ReadResult, error) {
	if err := p.checkRead(r); err != nil {
		return ReadResult{}, err
	}
	result := ReadResult{Offsets: p.Offsets()}
	if r.LastEpoch != model.NoLeaderEpoch {
		end := p.log.EpochEnd(r.LastEpoch)
		if end.Epoch < r.LastEpoch || end.EndOffset < r.From {
			result.Diverging = &end
			return result, nil
		}
	}
	switch {
	case r.AnyReplica && r.From > result.End && !p.state.Load().Leading:
		return result, ErrOffsetNotAvailable // the leader may have it
	case r.From < result.Start || r.From > result.End:
		return result, p.outOfRange(r.From)
	}
	bound := result.bound(r.Isolation)
	if r.From >= bound || r.MaxBytes <= 0 && !r.MinOneBatch {
		return result, nil
	}
	read, err := p.log.Read(storage.Read{
		From: r.From, To: bound, MaxBytes: r.MaxBytes, MinOneBatch: r.MinOneBatch, Buffer: r.Buffer, Grow: r.Grow,
	})
	if err == nil || isDamage(err) {
		err = p.checkRotten(read.Batches, bound, err)
	}
	switch {
	case errors.Is(err, storage.ErrOffsetOutOfRange):
		return result, p.outOfRange(r.From) // the start moved past it meanwhile
	case errors.Is(err, ErrOffline):
		return result, err
	case err != nil:
		return result, fmt.Errorf("read %s at %d: %w", p.name, r.From, err)
	}
	result.Batches = read.Batches
	if r.Isolation == ReadCommitted && len(read.Batches) > 0 {
		result.Aborted, err = p.log.AbortedTransactions(r.From, read.NextOffset)
		if err != nil {
			return result, fmt.Errorf("read aborted transactions of %s at %d: %w", p.name, r.From, err)
		}
	}
	return result, nil
}

func (p *Partition) outOfRange(asked model.Offset) error {
	o := p.Offsets()
	return &OffsetOutOfRangeError{Asked: asked, Start: o.Start, End: o.End}
}

// check is the check before anything that only the leader may answer.
func (p *Partition) check(known model.LeaderEpoch) error {
	if err := p.checkServing(p.state.Load(), known); err != nil {
		return err
	}
	return p.failure()
}

// checkServing holds what a client wants of the leader to the role and the lease.
func (p *Partition) checkServing(state *State, known model.LeaderEpoch) error {
	if err := state.checkLeader(known); err != nil {
		return err
	}
	if !p.set.options.Lease.Serving() {
		return ErrNotLeader
	}
	return nil
}

// checkRead is check, for what a follower may answer too.
func (p *Partition) checkRead(r Read) error {
	state := p.state.Load()
	if !r.AnyReplica || state.Leading {
		return p.check(r.Epoch)
	}
	if err := state.checkEpoch(r.Epoch); err != nil {
		return err
	}
	if state.Leader == model.NoNode || !p.set.options.Lease.Serving() {
		return ErrNotLeader
	}
	return p.failure()
}

func (p *Partition) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.failed
}
