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
	// Unclean: what is committed may be lost (replication.md), and nothing else is to be
	// done. The leader is all that is in sync from then on. Either somebody has asked for it,
	// or it is held only as long as unclean.leader.election.enable says so, which is
	// UncleanByDefault where the image does not have it.
	Unclean, Demanded, UncleanByDefault bool `json:",omitzero"`
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
		record := &meta.PartitionChangeRecord{Topic: e.Topic, Index: e.Partition, Elect: true, Leader: e.Leader}
		if e.Unclean {
			record.ISR, record.SetLost = []model.NodeID{e.Leader}, true
		}
		records = append(records, record)
	}
	return records, LeadersElected{}, nil
}

// stands reports whether nothing has happened since the members answered that
// makes their answers void.
func (e *Election) stands(image *meta.Image, p *meta.Partition) bool {
	candidates := p.ISR
	if e.Unclean {
		if !e.Demanded && !uncleanEnabled(image, image.Topics.ByID(e.Topic), e.UncleanByDefault) {
			return false
		}
		candidates = uncleanCandidates(image, p)
	}
	return p.Leader == model.NoNode && p.LeaderEpoch == e.LeaderEpoch &&
		slices.Contains(candidates, e.Leader) && (e.Unclean || mayLead(image, p, e.Leader)) &&
		image.Brokers.ByID(e.Leader).Epoch == e.BrokerEpoch
}

// since implements grown.
func (c ElectLeaders) since() model.Protocol {
	if slices.ContainsFunc(c.Elections, func(e Election) bool { return e.Unclean || e.Demanded || e.UncleanByDefault }) {
		return model.Protocol2
	}
	return model.Protocol1
}

// before implements grown: an unclean election is nothing else.
func (c ElectLeaders) before(model.Protocol) Command { return c }
