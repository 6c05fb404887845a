package sim

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Stats is what happened in a run: one sees in it that the faults bite.
type Stats struct {
	Virtual time.Duration
	Events  int

	Acked, Compared, Reads int // batches acknowledged; acknowledgements and reads compared
	Elections              int // leaders of partitions
	Controllers            int
	Fenced                 int
	Truncations            int // that cut batches off
	Proposals, ISRChanges  int
	LostMembers            int
	Readmitted             int
	Crashes                int
	CleanStops             int
	LostBatches            int // in power losses
	EmptiedDisks           int
	DiskErrors             int
	RottenBatches          int
	RottenFound            int
	MemberChanges          int
	Moves                  int // of partitions, that came to their end
	HeldBack               int // times that a throttle has held data back
	UncleanElections       int
	GivenUp                int // batches that were committed, by unclean elections
	Faults                 int
	Ambushes               int
	LostMessages           int
	BrokenStreams          int
}

// Add sums up.
func (s *Stats) Add(o Stats) {
	s.Virtual += o.Virtual
	s.Events += o.Events
	s.Acked += o.Acked
	s.Compared += o.Compared
	s.Reads += o.Reads
	s.Elections += o.Elections
	s.Controllers += o.Controllers
	s.Fenced += o.Fenced
	s.Truncations += o.Truncations
	s.Proposals += o.Proposals
	s.ISRChanges += o.ISRChanges
	s.LostMembers += o.LostMembers
	s.Readmitted += o.Readmitted
	s.Crashes += o.Crashes
	s.CleanStops += o.CleanStops
	s.LostBatches += o.LostBatches
	s.EmptiedDisks += o.EmptiedDisks
	s.DiskErrors += o.DiskErrors
	s.RottenBatches += o.RottenBatches
	s.RottenFound += o.RottenFound
	s.MemberChanges += o.MemberChanges
	s.Moves += o.Moves
	s.HeldBack += o.HeldBack
	s.UncleanElections += o.UncleanElections
	s.GivenUp += o.GivenUp
	s.Faults += o.Faults
	s.Ambushes += o.Ambushes
	s.LostMessages += o.LostMessages
	s.BrokenStreams += o.BrokenStreams
}

// checkProgress holds the cluster to the promise: when faults have ended, every
// partition has a leader, all that was sent is acknowledged, and all replicas are
// in sync and alike.
func (c *cluster) checkProgress() {
	k := c.checkers
	c.stats.Compared, c.stats.Reads = k.lossless, k.reads
	c.stats.LostMessages, c.stats.BrokenStreams = c.net.lost, c.net.broken
	if c.w.halt {
		return
	}
	if c.newest.Topics.Len() < len(c.topics) {
		k.fail("Progress", "the topics were not created")
		return
	}
	if c.plan.raises && c.newest.Version != meta.Newest && c.allRun() {
		k.fail("Progress", "the metadata version is %s still", c.newest.Version)
		return
	}
	for i, name := range c.topics {
		part := &c.newest.Topics.ByName(name).Partitions[0]
		if c.needsOperator(part) {
			continue
		}
		switch {
		case part.Leader == model.NoNode:
			k.fail("Progress", "partition %d has no leader: %v in sync, %v lost", i, part.ISR, part.Lost)
		case len(part.ISR) < len(part.Replicas):
			k.fail("Progress", "partition %d: %v in sync of %v, led by %d", i, part.ISR, part.Replicas, part.Leader)
		case len(part.Lost) > 0:
			k.fail("Progress", "partition %d: %v lost still", i, part.Lost)
		}
		if c.w.halt {
			c.tellReplicas(i)
			return
		}
		for _, id := range part.Replicas {
			c.checkAlike(i, c.nodes[id])
		}
	}
	for _, p := range c.producers {
		if c.needsOperator(&c.newest.Topics.ByName(c.topics[p.partition]).Partitions[0]) {
			continue
		}
		if len(p.inFlight) > 0 {
			k.fail("Progress", "producer %d of partition %d still waits for %d batches, the first %s; leader is %d to it, its last error %d", p.id, p.partition, len(p.inFlight), describe(p.inFlight[0].batch), p.leader, p.lastError)
		}
	}
	if c.w.halt {
		for i := range c.topics {
			c.tellReplicas(i)
		}
	}
	for _, r := range c.consumers {
		if c.needsOperator(&c.newest.Topics.ByName(c.topics[r.partition]).Partitions[0]) {
			continue
		}
		if end := k.partitions[r.partition].ledger.end(); r.offset < end {
			k.fail("Progress", "the consumer of partition %d has read to %d of %d", r.partition, r.offset, end)
		}
	}
}

// needsOperator: a disk is rotten that nobody else's can stand in for. It may be one that
// the quorum needs, too.
func (c *cluster) needsOperator(part *meta.Partition) bool {
	voters := 0
	for _, n := range c.nodes[:c.plan.voters] {
		if !n.condemned {
			voters++
		}
	}
	if voters < isr.Majority(c.plan.voters) {
		return true
	}
	for _, id := range part.Replicas {
		if c.nodes[id].condemned {
			return true
		}
	}
	return false
}

// checkAlike: a replica's log is the ledger.
func (c *cluster) checkAlike(i int, n *node) {
	k := c.checkers
	l := &k.partitions[i].ledger
	log := n.disk.logs[i]
	if log == nil || log.EndOffset() < l.end() {
		k.fail("Progress", "node %d has not all of partition %d", n.index, i)
		return
	}
	k.partitions[i].LogMatching.check(k, n.index, i, log, log.start, l.end())
}

// tellReplicas ends the story of a partition that has not healed with what its
// replicas know.
func (c *cluster) tellReplicas(i int) {
	if c.w.trace.story == nil {
		return
	}
	for _, n := range c.nodes {
		if n.process != nil && n.process.replicas[i] != nil {
			c.w.note(-1, fmt.Sprintf("partition %d on node %d: %s", i, n.index, n.process.replicas[i].machine))
		}
	}
}
