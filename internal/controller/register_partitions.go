package controller

import (
	"slices"
	"strconv"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/settings"
)

// partitions are the changes of partitions that come with a registration.
func (c RegisterBroker) partitions(image *meta.Image, old *meta.Broker) []meta.Record {
	emptied := old == nil || old.Directory != c.Directory
	if plant.On(plant.EmptiedDiskAnswers) {
		emptied = false
	}
	var records []meta.Record
	for _, t := range image.Topics.Sorted() {
		lost := emptied || c.Unclean && mayBeUnsynced(image, old, t)
		for i := range t.Partitions {
			p := &t.Partitions[i]
			if change, changes := c.partition(p, lost, emptied); changes {
				change.Topic, change.Index = t.ID, model.Partition(i)
				records = append(records, &change)
			}
		}
	}
	return records
}

// partition is what becomes of one partition.
func (c RegisterBroker) partition(p *meta.Partition, lost, emptied bool) (change meta.PartitionChangeRecord, changes bool) {
	after := p.Lost
	// Who relaxes the sync of the only copy has agreed to lose the end of it with
	// the power: a mark would keep the rest from being read for ever.
	onlyCopy := p.Copies() == 1 && !emptied
	if lost && !onlyCopy && slices.Contains(p.ISR, c.Node) && !slices.Contains(p.Lost, c.Node) {
		after = inOrder(p.ISR, func(n model.NodeID) bool { return n == c.Node || slices.Contains(p.Lost, n) })
		change.SetLost, change.Lost = true, after
	}
	if plant.On(plant.LostDroppedAtOnce) && change.SetLost && len(p.ISR) > 1 {
		change = meta.PartitionChangeRecord{ISR: inOrder(p.ISR, func(n model.NodeID) bool { return n != c.Node })}
	}
	change.Leader, change.Elect = leaderAfter(p, after, c.Node, c.Fenced)
	if plant.On(plant.OldIncarnationLeads) && p.Leader == c.Node {
		change.Elect = false
	}
	return change, change.Elect || change.SetLost || len(change.ISR) > 0
}

// inOrder are the nodes that keep says, in their order.
func inOrder(nodes []model.NodeID, keep func(model.NodeID) bool) []model.NodeID {
	return slices.DeleteFunc(slices.Clone(nodes), func(n model.NodeID) bool { return !keep(n) })
}

// mayBeUnsynced reports whether a broker may have acknowledged records of a topic
// that it had not synced when its machine went down: flush.messages or flush.ms
// say so, or said so at some time since the first run that may have left some.
// Settings that have changed in between count as relaxed, whichever way they have
// changed: the broker may have applied the change late.
func mayBeUnsynced(image *meta.Image, old *meta.Broker, t *meta.Topic) bool {
	if old == nil || plant.On(plant.UncleanRebootAnswers) {
		return false
	}
	since := uint64(old.UnsyncedSince)
	if t.FlushChanged > since {
		return true
	}
	own := image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: t.Name})
	_, messages := own["flush.messages"]
	_, interval := own["flush.ms"]
	if image.FlushChanged > since && !(messages && interval) {
		return true
	}
	layers := settings.Layers{
		Topic:         own,
		Broker:        image.Configs.Of(meta.Resource{Type: meta.BrokerResource, Name: strconv.Itoa(int(old.ID))}),
		BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
	}
	return layers.FlushRelaxed(old.Relaxed || old.RelaxedBefore)
}
