package sim

import (
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Options say what to run.
type Options struct {
	Seed uint64
	// Story gets a line a step, a column a node; nil: none.
	Story io.Writer
	// Calm runs without faults.
	Calm bool
}

// Result is what came of a run.
type Result struct {
	Seed      uint64
	Hash      uint64     // of the trace: equal for equal seeds and builds
	Violation *Violation // nil: every promise was kept
	Stats     Stats
	Plan      string
}

// Run runs one cluster from its start, through its faults, to where all of it has
// healed. A panic in it is a violation, too. One run at a time in a process.
func Run(o Options) Result {
	defer replaceChance(o.Seed)()
	w := &world{rng: mathrand.New(mathrand.NewPCG(o.Seed, 1)), trace: trace{story: o.Story, hash: hashBasis}}
	pl := newPlan(w.rng, o.Calm)
	c := newCluster(w, pl)
	w.trace.begin(pl.nodes)
	w.note(-1, fmt.Sprintf("seed %d: %s", o.Seed, pl))
	c.guarded(c.run)
	c.sumUp()
	return Result{
		Seed: o.Seed, Hash: w.trace.hash, Violation: c.checkers.violation, Stats: c.stats, Plan: pl.String(),
	}
}

// replaceChance has raft draw its election timeouts from the seed; it returns what
// takes that back. Raft reads crypto/rand.Reader, of which a process has one.
func replaceChance(seed uint64) (restore func()) {
	before := rand.Reader
	if _, replaced := before.(*jitter); replaced {
		panic("sim: two runs at a time in one process")
	}
	rand.Reader = &jitter{mathrand.NewPCG(seed, 2)}
	return func() { rand.Reader = before }
}

// jitter is the chance that raft draws election timeouts from.
type jitter struct{ source *mathrand.PCG }

// Read implements io.Reader.
func (j *jitter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(j.source.Uint64())
	}
	return len(b), nil
}

func (c *cluster) run() {
	w := c.w
	for _, n := range c.nodes {
		w.after(w.between(0, 500*time.Millisecond), n.start)
	}
	w.after(time.Second, c.addLearners)
	w.after(100*time.Millisecond, c.createTopics)
	w.runUntil(c.plan.warmUp)
	if c.plan.raises {
		w.after(w.between(0, c.plan.faultsEnd-c.plan.warmUp), c.raiseVersion)
	}
	c.beginClients()
	if !c.plan.calm {
		c.beginFaults()
	}
	w.runUntil(c.plan.faultsEnd)
	c.heal()
	w.runUntil(c.plan.faultsEnd + recoveryMax)
	c.checkProgress()
}

func (c *cluster) beginClients() {
	for i := range c.topics {
		for k := range c.plan.producers {
			p := &producer{
				c: c, partition: i, id: -1, idempotent: k%2 == 0 || !c.plan.plainProducers, until: c.plan.faultsEnd,
			}
			if p.idempotent {
				p.id = model.ProducerID(1000 + i*10 + k)
			}
			p.value = uint64(i*10+k) << 40
			c.producers = append(c.producers, p)
			p.begin()
		}
		r := &consumer{c: c, partition: i, until: c.plan.faultsEnd + recoveryMax}
		c.consumers = append(c.consumers, r)
		r.begin()
	}
}

// sumUp completes the totals.
func (c *cluster) sumUp() {
	c.stats.Virtual = c.w.now
	c.stats.Events = int(c.w.order)
}
