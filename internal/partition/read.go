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
	// Cold tells that some of Batches came from the disk; see storage.Log.GiveWay.
	Cold bool
	// Lent is what Lend found; nil: nothing.
	Lent *storage.Lent
	// Aborted lists the aborted transactions in what was read, under ReadCommitted.
	Aborted []storage.Aborted
	// Diverging is set, and Batches empty, where the reader's last record
	// is not in this log: it truncates to there.
	Diverging *storage.EpochEnd
}

// Read reads batches. It does not wait: see Watch.
func (p *Partition) Read(r Read) (ReadResult, error) {
	result, bound, err := p.lookUp(r)
	if err != nil || bound == r.From {
		return result, err
	}
	read, err := onLog(p, func(l *storage.Log) (storage.ReadResult, error) {
		return l.Read(storage.Read{
			From: r.From, To: bound, MaxBytes: r.MaxBytes, MinOneBatch: r.MinOneBatch, Passes: true, Buffer: r.Buffer, Grow: r.Grow,
		})
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
	result.Batches, result.Cold = read.Batches, read.Cold
	return result, p.addAborted(&result, r, read.NextOffset)
}

// GiveWay is storage.Log.GiveWay.
func (p *Partition) GiveWay() { p.log().GiveWay() }

// Lend is Read for those who can send from a file: what it finds is in Lent, where
// anything is. All else, an error too, is for Read to answer. See storage.Log.Lend.
func (p *Partition) Lend(r Read) (ReadResult, bool) {
	result, bound, err := p.lookUp(r)
	if err != nil || bound == r.From {
		return result, false
	}
	result.Lent, err = p.log().Lend(storage.Read{From: r.From, To: bound, MaxBytes: r.MaxBytes, MinOneBatch: r.MinOneBatch})
	if result.Lent == nil || err != nil {
		return result, false
	}
	if p.addAborted(&result, r, result.Lent.NextOffset) != nil {
		result.Lent.Release()
		return result, false
	}
	return result, true
}

// lookUp is what there is to read, up to a bound; r.From: nothing.
func (p *Partition) lookUp(r Read) (result ReadResult, bound model.Offset, err error) {
	if err := p.checkRead(r); err != nil {
		return ReadResult{}, r.From, err
	}
	result = ReadResult{Offsets: p.Offsets()}
	if r.LastEpoch != model.NoLeaderEpoch {
		end := p.log().EpochEnd(r.LastEpoch)
		if end.Epoch < r.LastEpoch || end.EndOffset < r.From {
			result.Diverging = &end
			return result, r.From, nil
		}
	}
	switch {
	case r.AnyReplica && r.From > result.End && !p.state.Load().Leading:
		return result, r.From, ErrOffsetNotAvailable // the leader may have it
	case r.From < result.Start || r.From > result.End:
		return result, r.From, p.outOfRange(r.From)
	}
	bound = max(result.bound(r.Isolation), r.From)
	if r.MaxBytes <= 0 && !r.MinOneBatch {
		bound = r.From
	}
	return result, bound, nil
}

// addAborted adds, for who reads what is committed, the transactions that are not.
func (p *Partition) addAborted(result *ReadResult, r Read, next model.Offset) (err error) {
	if r.Isolation != ReadCommitted || next == r.From {
		return nil
	}
	result.Aborted, err = onLog(p, func(l *storage.Log) ([]storage.Aborted, error) { return l.AbortedTransactions(r.From, next) })
	if err != nil {
		return fmt.Errorf("read aborted transactions of %s at %d: %w", p.name, r.From, err)
	}
	return nil
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
