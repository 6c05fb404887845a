package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// recoveryMax is the promise: so long after the last fault every partition has a
// leader, accepts writes, and is in sync everywhere.
const recoveryMax = 15 * time.Second

// plan is what a seed decides before the run begins: the cluster's size and
// settings, and which faults there are. A run has some of them, not all: rare
// combinations come up only where the rest leaves them room.
type plan struct {
	calm               bool
	nodes, voters      int
	partitions, factor int
	minInsync          int
	relaxed            bool
	racks              bool
	producers          int
	plainProducers     bool
	pace               time.Duration
	delayMax, syncMax  time.Duration
	snapshotEntries    int
	slowReads          float64
	warmUp, faultsEnd  time.Duration

	faults []fault
	// every is the mean time between two faults.
	every time.Duration
	// network faults that are always on.
	loss, double, breaks, stale, late, copies float64

	// seesDeath: a dead leader of the quorum is replaced when its connections end; else
	// after a timeout, which leaves more time for everything else to go wrong.
	seesDeath bool
	// prefers: first replicas lead again some time after they have become able to.
	prefers bool
	// raises: the cluster begins at the oldest metadata version, and is raised to the newest.
	raises bool

	ambushes     uint32 // by moment
	ambushChance float64
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func newPlan(rng *rand.Rand, calm bool) *plan {
	p := &plan{calm: calm}
	p.nodes = pick(rng, 1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 7)
	p.voters = min(p.nodes, pick(rng, 1, 3, 3, 3, 5))
	if p.nodes >= 3 {
		p.voters = max(p.voters, 3)
	}
	p.factor = min(p.nodes, pick(rng, 1, 2, 3, 3, 3, 3, 4, 5))
	if p.nodes == 3 && rng.IntN(8) > 0 {
		p.factor = 3
	}
	p.partitions = pick(rng, 1, 1, 2, 3)
	p.minInsync = min(p.factor, pick(rng, 1, 1, 2, 2, 2, 3))
	p.relaxed = p.factor > 1 && rng.IntN(4) == 0
	p.racks = rng.IntN(3) == 0
	p.producers = pick(rng, 1, 2, 2, 3)
	p.plainProducers = rng.IntN(3) == 0
	p.pace = time.Duration(pick(rng, 10, 20, 40, 100, 400, 3000)) * time.Millisecond
	p.delayMax = time.Duration(pick(rng, 2, 5, 20, 80)) * time.Millisecond
	p.syncMax = time.Duration(pick(rng, 1, 3, 10, 40)) * time.Millisecond
	p.snapshotEntries = pick(rng, 15, 40, 10000)
	p.slowReads = pick(rng, 0.0, 0.0, 0.02, 0.2)
	p.warmUp = 4 * time.Second
	p.faultsEnd = p.warmUp + time.Duration(pick(rng, 6, 10, 15))*time.Second
	p.every = time.Duration(pick(rng, 300, 700, 1500)) * time.Millisecond
	p.seesDeath, p.prefers, p.raises = rng.IntN(2) == 0, rng.IntN(2) == 0, rng.IntN(2) == 0
	if calm {
		return p
	}
	p.loss, p.double = pick(rng, 0.0, 0.0, 0.001, 0.02), pick(rng, 0.0, 0.0, 0.01, 0.1)
	p.late, p.copies = pick(rng, 0.0, 0.0, 0.002, 0.01), pick(rng, 0.0, 0.0, 0.2, 0.5)
	p.breaks, p.stale = pick(rng, 0.0, 0.001, 0.01), pick(rng, 0.0, 0.2, 0.6)
	if rng.IntN(2) == 0 {
		p.ambushes = rng.Uint32() & rng.Uint32()
		p.ambushChance = pick(rng, 0.02, 0.1, 0.3)
	}
	switch rng.IntN(25) {
	case 0:
		p.onlySlowReads()
		return p
	case 1:
		p.onlyLeadersThatDie(rng)
		return p
	case 2:
		p.onlyUnclean()
		return p
	}
	for _, f := range faults() {
		if rng.IntN(3) == 0 {
			p.faults = append(p.faults, f)
		}
	}
	return p
}

func (p *plan) rack(node int) string {
	if !p.racks {
		return ""
	}
	return string(rune('a' + node%3))
}

func (p *plan) String() string {
	names := make([]string, len(p.faults))
	for i, f := range p.faults {
		names[i] = f.name
	}
	return fmt.Sprintf("%d nodes, %d voters, %d partitions of %d replicas, min.insync %d, relaxed %t, sees death %t, prefers %t, raises %t, faults [%s] every %s, ambushes %s, loss %g, double %g, breaks %g, stale %g, delays to %s, syncs to %s",
		p.nodes, p.voters, p.partitions, p.factor, p.minInsync, p.relaxed, p.seesDeath, p.prefers, p.raises, strings.Join(names, " "), p.every, p.ambushNames(),
		p.loss, p.double, p.breaks, p.stale, p.delayMax, p.syncMax)
}

func (p *plan) ambushNames() string {
	var names []string
	for m := range moments {
		if p.ambushes&(1<<m) != 0 {
			names = append(names, m.String())
		}
	}
	return fmt.Sprintf("[%s] %g", strings.Join(names, " "), p.ambushChance)
}

// onlyLeadersThatDie is a plan of three nodes that write little, and of leaders that
// die right after they have written something or committed for the first time: records of
// several epochs that only one node has (Raft's figure 8).
func (p *plan) onlyLeadersThatDie(rng *rand.Rand) {
	p.nodes, p.voters, p.partitions, p.factor, p.minInsync, p.producers = 3, 3, 1, 3, pick(rng, 1, 2), 1
	p.pace, p.delayMax, p.slowReads = time.Duration(pick(rng, 100, 400))*time.Millisecond, 5*time.Millisecond, 0
	p.ambushes, p.ambushChance = 1<<onAppend|1<<onCommit|1<<onAgreed, pick(rng, 0.3, 0.6)
	p.loss, p.double, p.breaks, p.late = 0, 0, 0, 0
}

// onlySlowReads is a plan of nothing but leaders that are cut off with one of five
// followers while a read for it takes its time; other faults would only be in the way.
func (p *plan) onlySlowReads() {
	p.nodes, p.voters, p.partitions, p.factor, p.minInsync = 5, 5, 1, 5, 1
	p.pace, p.delayMax, p.slowReads = 10*time.Millisecond, 5*time.Millisecond, 0
	p.ambushes, p.ambushChance = 1<<onRead, 0.3
	p.loss, p.double, p.breaks, p.late = 0, 0, 0, 0
}
