package api

import (
	"slices"

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

// leaderHint is who leads a partition, for a client that asked the wrong node or
// knows an old epoch (KIP-951).
type leaderHint struct {
	leader model.NodeID
	epoch  model.LeaderEpoch
}

// leaderEndpoint is a leader's address, which goes with a hint so that the
// client need not ask for metadata.
type leaderEndpoint struct {
	node     model.NodeID
	endpoint meta.Endpoint
	rack     *string
}

// leaderEndpoints finds the addresses of leaders on a listener, each once.
func (h *Handler) leaderEndpoints(listener string, leaders []int32) []leaderEndpoint {
	slices.Sort(leaders)
	var all []leaderEndpoint
	image := h.Image()
	for _, id := range slices.Compact(leaders) {
		b := image.Brokers.ByID(model.NodeID(id))
		if b == nil {
			continue // no leader at this moment
		}
		if endpoint, ok := b.Endpoint(listener); ok {
			all = append(all, leaderEndpoint{node: b.ID, endpoint: endpoint, rack: rackOf(b)})
		}
	}
	return all
}

func (h *Handler) leaderHint(name model.TopicPartition) (leaderHint, bool) {
	topic := h.Image().Topics.ByName(name.Topic)
	if topic == nil || name.Partition < 0 || int(name.Partition) >= len(topic.Partitions) {
		return leaderHint{}, false
	}
	p := topic.Partitions[name.Partition]
	return leaderHint{leader: p.Leader, epoch: p.LeaderEpoch}, true
}
