package controller

import (
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// electAfter decides who leads after a node has come up, anew or unfenced, or
// was fenced or forgotten (down). It acts on the partitions that the node led,
// and on those without a leader that only it can lead.
//
// An election needs answers of |ISR| − m(ISR) + 1 members. Where the node is the
// whole ISR that is one answer, its own, and it is the only candidate; so it is
// elected at once, in an epoch of its own. Everywhere else the partition loses
// its leader, which is the first step of an election, and takes the others'
// answers to get another.
func electAfter(image *meta.Image, node model.NodeID, down bool) []meta.Record {
	var records []meta.Record
	for _, t := range image.Topics.Sorted() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			alone := slices.Equal(p.ISR, []model.NodeID{node})
			leader := model.NoNode
			switch {
			case alone && !down && (p.Leader == node || p.Leader == model.NoNode):
				leader = node
			case p.Leader != node:
				continue
			}
			records = append(records, &meta.PartitionChangeRecord{
				Topic: t.ID, Index: model.Partition(i), Elect: true, Leader: leader,
			})
		}
	}
	return records
}
