package controller

import (
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// electAfter decides who leads after a node has come up, anew or unfenced, or
// was fenced or forgotten (down). It acts on the partitions that the node led,
// and on those without a leader that only it can lead.
func electAfter(image *meta.Image, node model.NodeID, down bool) []meta.Record {
	var records []meta.Record
	for _, t := range image.Topics.Sorted() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			leader, elect := leaderAfter(p, p.Lost, node, down)
			if !elect {
				continue
			}
			records = append(records, &meta.PartitionChangeRecord{
				Topic: t.ID, Index: model.Partition(i), Elect: true, Leader: leader,
			})
		}
	}
	return records
}

// leaderAfter decides it for one partition, whose lost members are lost by then.
//
// An election needs answers of |ISR| − m(ISR) + 1 members (replication.md). Where
// the node is the whole ISR that is one answer, its own, and it is the only
// candidate; so it is elected at once, in an epoch of its own. Everywhere else
// the partition loses its leader, which is the first step of an election, and
// takes the others' answers to get another.
func leaderAfter(p *meta.Partition, lost []model.NodeID, node model.NodeID, down bool) (leader model.NodeID, elect bool) {
	alone := slices.Equal(p.ISR, []model.NodeID{node}) && len(lost) == 0
	if alone && !down && (p.Leader == node || p.Leader == model.NoNode) {
		return node, true
	}
	return model.NoNode, p.Leader == node
}

// mayLead reports whether a partition's member can be elected: its disk has what
// it acknowledged, and it is there.
func mayLead(image *meta.Image, p *meta.Partition, node model.NodeID) bool {
	b := image.Brokers.ByID(node)
	return b != nil && !b.Fenced && !slices.Contains(p.Lost, node)
}

// hasHeir reports whether a partition has a member other than node that can be
// elected and is going to stay.
func hasHeir(image *meta.Image, p *meta.Partition, node model.NodeID) bool {
	return slices.ContainsFunc(p.ISR, func(n model.NodeID) bool {
		return n != node && mayLead(image, p, n) && !image.Brokers.ByID(n).Leaving
	})
}

// leadsForHeirs reports whether ledForHeirs yields any.
func leadsForHeirs(image *meta.Image, node model.NodeID) bool {
	for t := range image.Topics.All() {
		for i := range t.Partitions {
			if p := &t.Partitions[i]; p.Leader == node && hasHeir(image, p, node) {
				return true
			}
		}
	}
	return false
}

// ledForHeirs yields the partitions that node leads and another could, in order.
func ledForHeirs(image *meta.Image, node model.NodeID) func(yield func(*meta.Topic, model.Partition) bool) {
	return func(yield func(*meta.Topic, model.Partition) bool) {
		for _, t := range image.Topics.Sorted() {
			for i := range t.Partitions {
				p := &t.Partitions[i]
				if p.Leader == node && hasHeir(image, p, node) && !yield(t, model.Partition(i)) {
					return
				}
			}
		}
	}
}
