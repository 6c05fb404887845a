package meta

import (
	"errors"
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// check is what holds for a partition by itself.
func (p *Partition) check() error {
	switch {
	case len(p.Replicas) == 0:
		return errors.New("no replicas")
	case len(p.Replicas) > ReplicasMax:
		return fmt.Errorf("%d replicas", len(p.Replicas))
	case len(p.ISR) == 0:
		return errors.New("no in-sync replicas")
	case p.LeaderEpoch < 0 || p.PartitionEpoch < 0:
		return fmt.Errorf("leader epoch %d, partition epoch %d", p.LeaderEpoch, p.PartitionEpoch)
	case p.Leader != model.NoNode && !slices.Contains(p.ISR, p.Leader):
		return fmt.Errorf("leader %d is not in sync: %v", p.Leader, p.ISR)
	}
	for i, n := range p.Replicas {
		if n < 0 || slices.Contains(p.Replicas[:i], n) {
			return fmt.Errorf("replicas %v", p.Replicas)
		}
	}
	switch {
	case !within(p.ISR, p.Replicas):
		return fmt.Errorf("in-sync replicas %v of %v", p.ISR, p.Replicas)
	case !within(p.Lost, p.ISR):
		return fmt.Errorf("lost replicas %v of those in sync, %v", p.Lost, p.ISR)
	case !within(p.Adding, p.Replicas) || !within(p.Removing, p.Replicas) || len(p.Removing) == len(p.Replicas):
		return fmt.Errorf("replicas %v, of which %v come and %v go", p.Replicas, p.Adding, p.Removing)
	case !slices.Equal(p.Removing, p.Replicas[len(p.Replicas)-len(p.Removing):]):
		return fmt.Errorf("replicas %v that go are not the last of %v", p.Removing, p.Replicas)
	case p.PreferFirst && p.Leader != model.NoNode:
		return fmt.Errorf("leader %d, and an election", p.Leader)
	case slices.Contains(p.Lost, p.Leader) && !plant.On(plant.OldIncarnationLeads):
		return fmt.Errorf("leader %d is lost", p.Leader)
	}
	return nil
}

// within reports whether part is a subset of whole, in its order, and so has
// none twice.
func within(part, whole []model.NodeID) bool {
	for _, n := range part {
		at := slices.Index(whole, n)
		if at < 0 {
			return false
		}
		whole = whole[at+1:]
	}
	return true
}

// Check tells what does not hold that holds for every image. It runs in tests, and after every Apply
// in builds with the tag "invariants".
func (i *Image) Check() error {
	topics := i.Topics
	if topics.byID.length != topics.byName.length {
		return fmt.Errorf("%d topics by id, %d by name", topics.byID.length, topics.byName.length)
	}
	counted, colliding := 0, 0
	for t := range topics.All() {
		counted++
		if _, ok := collisionName(t.Name); ok {
			colliding++
		}
		if err := i.checkTopic(t); err != nil {
			return fmt.Errorf("topic %q: %w", t.Name, err)
		}
	}
	if counted != topics.Len() || colliding != topics.byMetric.length {
		return fmt.Errorf("%d topics, of which %d may collide, but lengths %d and %d",
			counted, colliding, topics.Len(), topics.byMetric.length)
	}
	for b := range i.Brokers.All() {
		if i.Brokers.ByID(b.ID) != b || b.Epoch < 0 || uint64(b.Epoch) > i.Index || b.UnsyncedSince > b.Epoch {
			return fmt.Errorf("broker %d: epoch %d, unsynced since %d, at index %d", b.ID, b.Epoch, b.UnsyncedSince, i.Index)
		}
	}
	for r, values := range i.Configs.All() {
		if len(values) == 0 || r.Type == TopicResource && topics.ByName(r.Name) == nil {
			return fmt.Errorf("settings of %v: %d, and no such topic", r, len(values))
		}
	}
	if i.FlushChanged > i.Index {
		return fmt.Errorf("settings changed at %d, image of %d", i.FlushChanged, i.Index)
	}
	if i.NextProducerID < 0 || i.Version != 0 && !Supported.Contains(i.Version) {
		return fmt.Errorf("next producer id %d, metadata version %d", i.NextProducerID, i.Version)
	}
	for r := range i.Records() {
		if err := allowed(r, i.Version); err != nil {
			return fmt.Errorf("%T: %w", r, err)
		}
	}
	return nil
}

func (i *Image) checkTopic(t *Topic) error {
	if i.Topics.ByID(t.ID) != t || i.Topics.ByName(t.Name) != t || i.Topics.Colliding(t.Name) != t {
		return errors.New("not the same by id, by name and among the colliding")
	}
	if len(t.Partitions) == 0 {
		return errors.New("no partitions")
	}
	if t.FlushChanged > i.Index {
		return fmt.Errorf("settings changed at %d, image of %d", t.FlushChanged, i.Index)
	}
	for n := range t.Partitions {
		p := &t.Partitions[n]
		if err := p.check(); err != nil {
			return fmt.Errorf("partition %d: %w", n, err)
		}
		if p.Leader == model.NoNode {
			continue
		}
		if b := i.Brokers.ByID(p.Leader); b == nil || b.Fenced && !plant.On(plant.OldIncarnationLeads) {
			return fmt.Errorf("partition %d: leader %d is fenced or not registered", n, p.Leader)
		}
	}
	return nil
}
