package storage

import (
	"sync"

	"github.com/chronik/chronik/internal/model"
)

// cursorsMax is how many places of a log are remembered. Consumers and
// followers go on where they stopped, and are few for each partition.
const cursorsMax = 8

// cursor is where in a segment's file a batch begins that holds or follows an
// offset. It spares a sequential reader the index.
type cursor struct {
	generation uint64 // of the log; a cursor of another is void
	offset     model.Offset
	base       model.Offset // of the segment
	position   int64
}

// cursors remembers where reads have ended.
type cursors struct {
	mu   sync.Mutex
	ring []cursor
	next int
}

func (c *cursors) put(e cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.ring {
		if c.ring[i].offset == e.offset {
			c.ring[i] = e
			return
		}
	}
	if len(c.ring) < cursorsMax {
		c.ring = append(c.ring, e)
		return
	}
	c.ring[c.next] = e
	c.next = (c.next + 1) % cursorsMax
}

func (c *cursors) get(generation uint64, offset, base model.Offset) (position int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.ring {
		if e.offset == offset && e.base == base && e.generation == generation {
			return e.position, true
		}
	}
	return 0, false
}
