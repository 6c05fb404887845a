package controller

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// PreferLeaders has partitions elect the first of their replicas. It opens the election;
// the image has its end.
type PreferLeaders struct {
	Partitions []PartitionName
	All        bool // every partition that the first replica can lead and does not
}

// PartitionName names a partition as a client does.
type PartitionName struct {
	Topic     string
	Partition model.Partition
}

// find is the partition of that name.
func (n PartitionName) find(image *meta.Image) (partitionKey, *meta.Partition, *wire.Error) {
	if topic := image.Topics.ByName(n.Topic); topic != nil {
		key := partitionKey{topic.ID, n.Partition}
		if p := findPartition(image, key); p != nil {
			return key, p, nil
		}
	}
	return partitionKey{}, nil, wire.Errorf(kerr.UnknownTopicOrPartition, "There is no partition %d of topic %q.", n.Partition, n.Topic)
}

// LeadersPreferred has an item for each partition of the command, in its order; of All,
// for each partition whose election it has opened.
type LeadersPreferred struct{ Partitions []LeaderPreferred }

// LeaderPreferred is whether an election was opened.
type LeaderPreferred struct {
	PartitionName
	Err *wire.Error
}

// Name implements Command.
func (PreferLeaders) Name() string { return "PreferLeaders" }

// Decide implements Command.
func (c PreferLeaders) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	names := c.Partitions
	if c.All {
		names = unpreferred(image)
	}
	result := LeadersPreferred{Partitions: make([]LeaderPreferred, len(names))}
	decided := make(map[partitionKey]bool, len(names))
	var records []meta.Record
	for i, name := range names {
		result.Partitions[i].PartitionName = name
		key, p, err := name.find(image)
		if err == nil {
			err = mayPrefer(image, p)
		}
		result.Partitions[i].Err = err
		if err == nil && !decided[key] {
			decided[key] = true
			records = append(records, &meta.PartitionChangeRecord{
				Topic: key.topic, Index: key.partition, Elect: true, Leader: model.NoNode, PreferFirst: true,
			})
		}
	}
	return records, result, nil
}

// unpreferred are the partitions that their first replica can lead and does not.
func unpreferred(image *meta.Image) []PartitionName {
	var names []PartitionName
	for _, t := range image.Topics.Sorted() {
		for i := range t.Partitions {
			if mayPrefer(image, &t.Partitions[i]) == nil {
				names = append(names, PartitionName{t.Name, model.Partition(i)})
			}
		}
	}
	return names
}

// mayPrefer is why the first replica is not to be elected; nil where it is.
func mayPrefer(image *meta.Image, p *meta.Partition) *wire.Error {
	first := p.Replicas[0]
	switch {
	case p.Leader == first:
		return wire.Errorf(kerr.ElectionNotNeeded, "Leader election not needed for topic partition.")
	case p.Leader == model.NoNode:
		return wire.Errorf(kerr.PreferredLeaderNotAvailable, "An election is under way.")
	case !slices.Contains(p.ISR, first) || !mayLead(image, p, first) || image.Brokers.ByID(first).Leaving:
		return wire.Errorf(kerr.PreferredLeaderNotAvailable, "The preferred leader %d is not in sync, or not there.", first)
	}
	return nil
}
