package coordinator

import (
	"context"
	"errors"
	"sync"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// memoryLog is a log in memory, whose commits are held back and whose calls fail
// as a test likes. It outlives the shards that are opened over it.
type memoryLog struct {
	mu         sync.Mutex
	batches    []record.Batch
	end        model.Offset
	held       bool // commits wait
	deposed    bool
	appendErr  error
	readErr    error
	committing chan struct{} // closed when held or deposed changes
}

func newMemoryLog() *memoryLog { return &memoryLog{committing: make(chan struct{})} }

var errDisk = errors.New("disk on fire")

func (l *memoryLog) set(change func(*memoryLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
	close(l.committing)
	l.committing = make(chan struct{})
}

func (l *memoryLog) Append(batch record.Batch, _ model.Timestamp) (model.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deposed {
		return 0, ErrNotLeader
	}
	if l.appendErr != nil {
		return 0, l.appendErr
	}
	batch.SetBaseOffset(l.end)
	l.batches = append(l.batches, batch)
	l.end = batch.NextOffset()
	return l.end, nil
}

func (l *memoryLog) WaitCommitted(ctx context.Context, _ model.Offset) error {
	for {
		l.mu.Lock()
		held, deposed, changed := l.held, l.deposed, l.committing
		l.mu.Unlock()
		switch {
		case deposed:
			return ErrNotLeader
		case !held:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *memoryLog) Read(from model.Offset) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readErr != nil {
		return nil, l.readErr
	}
	for _, b := range l.batches {
		if b.NextOffset() > from {
			return b, nil
		}
	}
	return nil, nil
}

func (l *memoryLog) Bounds() (start, end model.Offset) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 0, l.end
}
