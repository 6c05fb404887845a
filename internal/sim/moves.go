package sim

import (
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// movesKeepCopies: a copy in sync is never dropped, and one that was there before a
// move not before all that come have been in sync. It goes by what it has seen itself: a
// move that takes another's place must not forget what that one was adding.
type movesKeepCopies struct {
	// coming are replicas that have been added, and have not been in sync since.
	coming map[model.NodeID]bool
	// came are those that have, while moves are under way: where such a one has left the
	// set again, and is wanted no more, it may go like one that never came.
	came map[model.NodeID]bool
}

func (c *movesKeepCopies) check(k *checkers, i int, was, is *meta.Partition) {
	for _, n := range is.ISR {
		if c.coming[n] {
			delete(c.coming, n)
			c.came[n] = true
		}
	}
	for _, n := range was.Replicas {
		if slices.Contains(is.Replicas, n) {
			continue
		}
		added := c.coming[n] || c.came[n]
		delete(c.coming, n)
		delete(c.came, n)
		// One that has left the set and is dropped, both unseen, counts the epoch up by three.
		if slices.Contains(was.ISR, n) && is.PartitionEpoch <= was.PartitionEpoch+2 {
			k.fail("MovesKeepCopies", "partition %d drops %d, which is in sync: %v of %v", i, n, was.ISR, was.Replicas)
			return
		}
		for _, m := range is.Replicas {
			if !added && c.coming[m] {
				k.fail("MovesKeepCopies", "partition %d drops %d before %d, which comes, has been in sync: %v of %v", i, n, m, is.ISR, is.Replicas)
				return
			}
		}
	}
	for _, n := range is.Replicas {
		if !slices.Contains(was.Replicas, n) && !slices.Contains(is.ISR, n) {
			c.coming[n] = true
		}
	}
	if !is.Reassigning() {
		clear(c.came)
	}
}
