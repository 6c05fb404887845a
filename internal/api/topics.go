package api

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/wire"
)

// resolveTopic finds a topic by its id or by its name, as the request's version
// names it.
func resolveTopic(image *meta.Image, byID bool, name string, id model.TopicID) (*meta.Topic, error) {
	if byID {
		if topic := image.Topics.ByID(id); topic != nil {
			return topic, nil
		}
		return nil, wire.Errorf(kerr.UnknownTopicID, "there is no topic with id %s", id)
	}
	if topic := image.Topics.ByName(name); topic != nil {
		return topic, nil
	}
	return nil, wire.Errorf(kerr.UnknownTopicOrPartition, "there is no topic %q", name)
}

// partition finds a partition that exists and that this node holds.
func (h *Handler) partition(name model.TopicPartition) (*partition.Partition, error) {
	if p := h.Partitions.Get(name); p != nil {
		return p, nil
	}
	topic := h.Image().Topics.ByName(name.Topic)
	if topic == nil || name.Partition < 0 || int(name.Partition) >= len(topic.Partitions) {
		return nil, wire.Errorf(kerr.UnknownTopicOrPartition, "there is no partition %s", name)
	}
	if err := h.Partitions.Offline(name); err != nil {
		return nil, err
	}
	return nil, partition.ErrNotLeader
}

// leaderHint is who leads a partition, for a client that asked the wrong node.
type leaderHint struct {
	leader model.NodeID
	epoch  model.LeaderEpoch
}

func (h *Handler) leaderHint(name model.TopicPartition) (leaderHint, bool) {
	topic := h.Image().Topics.ByName(name.Topic)
	if topic == nil || name.Partition < 0 || int(name.Partition) >= len(topic.Partitions) {
		return leaderHint{}, false
	}
	p := topic.Partitions[name.Partition]
	return leaderHint{leader: p.Leader, epoch: p.LeaderEpoch}, true
}
