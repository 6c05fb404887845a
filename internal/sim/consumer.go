package sim

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// consumer reads a partition from its start, from whichever replica it picks, and
// has the checkers look at everything.
type consumer struct {
	c         *cluster
	partition int
	offset    model.Offset
	until     time.Duration
	from      int // the replica it reads from
}

func (r *consumer) begin() {
	r.from = r.c.w.rng.IntN(len(r.c.nodes))
	r.poll()
}

func (r *consumer) poll() {
	w := r.c.w
	if w.now >= r.until {
		return
	}
	pause := w.between(r.c.poll(), r.c.poll()*6)
	if r.c.healing {
		pause = r.c.poll() / 4
	}
	w.after(pause, r.poll)
	if w.chance(0.1) {
		r.from = w.rng.IntN(len(r.c.nodes))
	}
	if w.chance(0.02) && w.now < r.c.plan.faultsEnd {
		r.offset = 0
	}
	w.after(r.c.net.latency(), func() {
		r.c.nodes[r.from].deliver(func(p *process) {
			batches, ok := p.fetch(r.partition, r.offset)
			if !ok {
				r.from = r.c.leaderAsToldBy(w.rng.IntN(len(r.c.nodes)), r.partition)
				return
			}
			k := r.c.checkers
			for _, b := range batches {
				if !k.partitions[r.partition].Reads.check(k, p.node.index, r.partition, b) {
					return
				}
				r.offset = b.NextOffset()
			}
		})
	})
}

// poll is how often clients look at what there is to do.
func (c *cluster) poll() time.Duration { return min(c.pace, 400*time.Millisecond) }
