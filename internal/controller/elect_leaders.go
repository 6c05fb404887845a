package controller

import (
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// ElectLeaders gives partitions without a leader the one that enough answers have
// named. Elections that the image has overtaken do nothing.
type ElectLeaders struct{ Elections []Election }

// Election names a partition's next leader.
type Election struct {
	Topic     model.TopicID
	Partition model.Partition
	// LeaderEpoch is the one without a leader, in which the members were asked.
	LeaderEpoch model.LeaderEpoch
	Leader      model.NodeID
	// BrokerEpoch is the registration with which the leader has answered.
	BrokerEpoch model.BrokerEpoch
}

// LeadersElected is the result of ElectLeaders. The image has the leaders.
type LeadersElected struct{}

// Name implements Command.
func (ElectLeaders) Name() string { return "ElectLeaders" }

// Decide implements Command.
func (c ElectLeaders) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	var records []meta.Record
	decided := make(map[partitionKey]bool, len(c.Elections))
	for i := range c.Elections {
		e := &c.Elections[i]
		key := partitionKey{e.Topic, e.Partition}
		p := findPartition(image, key)
		if p == nil || decided[key] || !e.stands(image, p) {
			continue
		}
		decided[key] = true
		records = append(records, &meta.PartitionChangeRecord{Topic: e.Topic, Index: e.Partition, Elect: true, Leader: e.Leader})
	}
	return records, LeadersElected{}, nil
}

// stands reports whether nothing has happened since the members answered that
// makes their answers void.
func (e *Election) stands(image *meta.Image, p *meta.Partition) bool {
	return p.Leader == model.NoNode && p.LeaderEpoch == e.LeaderEpoch &&
		slices.Contains(p.ISR, e.Leader) && mayLead(image, p, e.Leader) &&
		image.Brokers.ByID(e.Leader).Epoch == e.BrokerEpoch
}
