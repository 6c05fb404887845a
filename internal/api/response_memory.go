package api

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

const (
	// shareOfFree: one answer takes at most this part of what is free. Consumers that ask
	// and do not read hold what they were answered until their connections are closed;
	// by this, ever more of them take ever less, and leave something for those that read.
	shareOfFree = 8
	// shareBytesMin is what one may take however little is free.
	shareBytesMin = 16 << 10
)

// responseMemory bounds the bytes of records that are read for responses and
// not yet handed to the connection. A fetch waits for its first partition's
// share, and takes what more it can get without waiting: a response that holds
// less than asked is always allowed, and nobody waits while holding.
type responseMemory struct {
	limit int64
	free  *semaphore.Weighted
	used  atomic.Int64 // what free has given out
}

func newResponseMemory(limitBytes int64) *responseMemory {
	return &responseMemory{limit: limitBytes, free: semaphore.NewWeighted(limitBytes)}
}

// share is what one answer may hold now, in bytes.
func (m *responseMemory) share() int {
	return int(min(max((m.limit-m.used.Load())/shareOfFree, shareBytesMin), m.limit))
}

// take reserves n bytes, or the whole budget where n is more than that; it waits
// only where mayWait is set. It returns what was reserved; 0 is nothing.
func (m *responseMemory) take(ctx context.Context, n int64, mayWait bool) (int64, error) {
	n = min(n, m.limit)
	if !m.free.TryAcquire(n) {
		if !mayWait {
			return 0, nil
		}
		if err := m.free.Acquire(ctx, n); err != nil {
			return 0, err
		}
	}
	m.used.Add(n)
	return n, nil
}

func (m *responseMemory) give(n int64) {
	if n > 0 {
		m.used.Add(-n)
		m.free.Release(n)
	}
}
