package controller

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/wire"
)

// ElectUncleanly asks for leaders of partitions that cannot have one without that
// something that is committed may be lost (replication.md). It changes nothing: who
// decides it then has the Supervisor ask the candidates (Supervisor.ElectUncleanly),
// which forgets it with the controller's term. Who has asked asks again.
type ElectUncleanly struct {
	Partitions []PartitionName
	All        bool // every partition that has no leader
}

// UncleanlyElecting has an item for each partition of the command, in its order; of All,
// for each partition without a leader.
type UncleanlyElecting struct{ Partitions []UncleanlyElected }

// UncleanlyElected is whether there will be a leader: where a clean election can be, by
// that.
type UncleanlyElected struct {
	PartitionName
	Of  PartitionRef // where there is such a partition
	Err *wire.Error
}

// Name implements Command.
func (ElectUncleanly) Name() string { return "ElectUncleanly" }

// Decide implements Command.
func (c ElectUncleanly) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	names := c.Partitions
	if c.All {
		names = leaderless(image)
	}
	result := UncleanlyElecting{Partitions: make([]UncleanlyElected, len(names))}
	for i, name := range names {
		key, p, err := name.find(image)
		if err == nil {
			err = mayElectUncleanly(image, p)
		}
		result.Partitions[i] = UncleanlyElected{PartitionName: name, Of: PartitionRef{key.topic, key.partition}, Err: err}
	}
	return nil, result, nil
}

func leaderless(image *meta.Image) []PartitionName {
	var names []PartitionName
	for _, t := range image.Topics.Sorted() {
		for i := range t.Partitions {
			if t.Partitions[i].Leader == model.NoNode {
				names = append(names, PartitionName{t.Name, model.Partition(i)})
			}
		}
	}
	return names
}

// mayElectUncleanly is why a partition is not to get a leader; nil where it is.
func mayElectUncleanly(image *meta.Image, p *meta.Partition) *wire.Error {
	switch {
	case p.Leader != model.NoNode:
		return wire.Errorf(kerr.ElectionNotNeeded, "Leader election not needed for topic partition.")
	case !cleanlyElectable(image, p) && len(uncleanCandidates(image, p)) == 0:
		return wire.Errorf(kerr.EligibleLeadersNotAvailable, "No replica of %v is there.", p.Replicas)
	}
	return nil
}

// cleanlyElectable reports whether so many members can answer that one of them has
// everything that is committed.
func cleanlyElectable(image *meta.Image, p *meta.Partition) bool {
	return len(ableInSync(image, p)) >= isr.ElectionAnswers(len(p.ISR))
}

func ableInSync(image *meta.Image, p *meta.Partition) []model.NodeID {
	return inOrder(p.ISR, func(n model.NodeID) bool { return mayLead(image, p, n) })
}

// uncleanCandidates are those of whom an unclean election takes one: none, where a clean
// one is possible or nobody is there. Members in sync come before all others.
func uncleanCandidates(image *meta.Image, p *meta.Partition) []model.NodeID {
	if cleanlyElectable(image, p) && !plant.On(plant.UncleanWhileClean) {
		return nil
	}
	if able := ableInSync(image, p); len(able) > 0 && !plant.On(plant.UncleanOutOfSync) {
		return able
	}
	return inOrder(p.Replicas, func(n model.NodeID) bool {
		b := image.Brokers.ByID(n)
		return b != nil && !b.Fenced
	})
}

// uncleanEnabled is a topic's unclean.leader.election.enable: what is set for it, for all
// brokers, or else byDefault.
func uncleanEnabled(image *meta.Image, t *meta.Topic, byDefault bool) bool {
	e, _ := settings.Layers{
		Topic:         image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: t.Name}),
		BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
	}.TopicSetting("unclean.leader.election.enable")
	if e.Source == settings.FromDefault {
		return byDefault
	}
	return e.Value == "true"
}
