package sim

import (
	"slices"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// mayLosePower: where a topic may acknowledge unsynced data, no more members than
// the protocol can spare may lose it at a time.
func (c *cluster) mayLosePower(n *node) bool {
	return c.spares(n, func(i int) bool { return c.relaxed[i] })
}

// sparesAll is spares of every partition.
func (c *cluster) sparesAll(n *node) bool {
	return c.spares(n, func(int) bool { return true })
}

// spares reports whether partitions can do without what n's disk holds: in every
// in-sync set that is in force or may come to be, enough of the other members can
// answer an election, and one of them holds all that is committed.
func (c *cluster) spares(n *node, which func(partition int) bool) bool {
	for i := range c.topics {
		if !which(i) {
			continue
		}
		topic := c.newest.Topics.ByName(c.topics[i])
		if topic == nil {
			return false
		}
		part := &topic.Partitions[0]
		if !c.sparesIn(i, part, part.ISR, n) || c.mourns(i, part, n) {
			return false
		}
		for _, p := range c.proposed[i] {
			if p.on >= part.PartitionEpoch && !c.sparesIn(i, part, p.set, n) {
				return false
			}
		}
	}
	return true
}

// mourns: another replica's disk has lost something, and has not made up for it. A
// leader that does not know of it yet may take it in, or keep it while others go.
func (c *cluster) mourns(i int, part *meta.Partition, n *node) bool {
	for _, id := range part.Replicas {
		m := c.nodes[id]
		if m != n && (m.disk.logs[i] == nil || slices.Contains(part.Lost, id) || m.disk.unclean && c.relaxed[i]) {
			return true
		}
	}
	return false
}

func (c *cluster) sparesIn(i int, part *meta.Partition, set []model.NodeID, n *node) bool {
	committed := c.checkers.partitions[i].ledger.end()
	answer, hold := 0, 0
	for _, id := range set {
		m := c.nodes[id]
		l := m.disk.logs[i]
		if m == n || l == nil || m.rotten && !c.healing || slices.Contains(part.Lost, id) || m.disk.unclean && c.relaxed[i] {
			continue
		}
		answer++
		if l.EndOffset() >= committed && (l.synced >= committed || c.relaxed[i]) {
			hold++
		}
	}
	return answer >= isr.ElectionAnswers(len(set)) && hold > 0
}

// proposal is an in-sync set that may come into force as long as the partition's
// epoch is the one that it names: from a queue, or from the log of a node that is down.
type proposal struct {
	on  model.PartitionEpoch
	set []model.NodeID
}
