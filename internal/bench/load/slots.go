package load

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/payload"
)

// slot is a record that is used again once its outcome is known.
type slot struct {
	payload.Slot
	record   kgo.Record
	done     func(*kgo.Record, error) // made once, since each closure is an allocation
	sequence uint64
	due      time.Duration
}

// slots are the records of a client, which bound what it holds. One goroutine takes,
// another gives back. They meet at a lock when the taker has run out: that is once for
// all that have come back meanwhile, where a channel would be locked for each.
type slots struct {
	all  []*slot
	free []*slot // the taker's own

	mu       sync.Mutex
	cond     sync.Cond
	returned []*slot // guarded by mu, as is wanted
	wanted   int     // how many the taker waits for; 0: it does not wait
}

// newSlots allocates n.
func newSlots(n int, m *payload.Maker) *slots {
	s := &slots{returned: make([]*slot, 0, n)}
	s.cond.L = &s.mu
	for range n {
		s.all = append(s.all, &slot{Slot: m.NewSlot()})
	}
	s.free = append(make([]*slot, 0, n), s.all...)
	return s
}

// take waits for a slot that is free. If there is none it waits for an eighth of them, so
// that the two goroutines do not wake each other for every record.
func (s *slots) take() *slot {
	if len(s.free) == 0 {
		s.mu.Lock()
		s.awaitLocked(max(1, len(s.all)/8))
		s.free, s.returned = s.returned, s.free
		s.mu.Unlock()
	}
	last := len(s.free) - 1
	taken := s.free[last]
	s.free = s.free[:last]
	return taken
}

// give returns a slot.
func (s *slots) give(back *slot) {
	s.mu.Lock()
	s.returned = append(s.returned, back)
	if len(s.returned) == s.wanted {
		s.cond.Signal()
	}
	s.mu.Unlock()
}

// await waits until all slots have come back. The taker calls it.
func (s *slots) await() {
	s.mu.Lock()
	s.awaitLocked(len(s.all) - len(s.free))
	s.mu.Unlock()
}

// awaitLocked waits until at least so many have come back. mu is held, and given up
// meanwhile.
func (s *slots) awaitLocked(n int) {
	s.wanted = n
	for len(s.returned) < n {
		s.cond.Wait()
	}
	s.wanted = 0
}
