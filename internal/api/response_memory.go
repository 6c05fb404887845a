package api

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// responseMemory bounds the bytes of records that are read for responses and
// not yet handed to the connection. A fetch waits for its first partition's
// share, and takes what more it can get without waiting: a response that holds
// less than asked is always allowed, and nobody waits while holding.
type responseMemory struct {
	limit int64
	free  *semaphore.Weighted
}

func newResponseMemory(limitBytes int64) *responseMemory {
	return &responseMemory{limit: limitBytes, free: semaphore.NewWeighted(limitBytes)}
}

// take reserves n bytes, or the whole budget where n is more than that; it waits
// only where mayWait is set. It returns what was reserved; 0 is nothing.
func (m *responseMemory) take(ctx context.Context, n int64, mayWait bool) (int64, error) {
	n = min(n, m.limit)
	if m.free.TryAcquire(n) {
		return n, nil
	}
	if !mayWait {
		return 0, nil
	}
	if err := m.free.Acquire(ctx, n); err != nil {
		return 0, err
	}
	return n, nil
}

func (m *responseMemory) give(n int64) {
	if n > 0 {
		m.free.Release(n)
	}
}
