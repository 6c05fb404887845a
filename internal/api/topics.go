package api

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/server"
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

// catchUpMax is how long a request waits for what only another node may know.
const catchUpMax = 300 * time.Millisecond

// caughtUp is an image in which what is not there does not exist, unless the active
// controller cannot be asked.
func (h *Handler) caughtUp(ctx context.Context) *meta.Image {
	ctx, cancel := context.WithTimeout(ctx, catchUpMax)
	defer cancel()
	stop := context.AfterFunc(h.Stopping, cancel)
	defer stop()
	return h.CatchUp(ctx)
}

// imageWith is an image that has each of a request's topics, or in which those that it
// lacks do not exist.
func (h *Handler) imageWith(ctx context.Context, topics int, has func(image *meta.Image, i int) bool) *meta.Image {
	image := h.Image()
	for i := range topics {
		if !has(image, i) {
			return h.caughtUp(ctx)
		}
	}
	return image
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

// leaderEndpoints finds the addresses of leaders for a client that came by conn, each
// once.
func (h *Handler) leaderEndpoints(conn *server.ConnInfo, leaders []int32) []leaderEndpoint {
	slices.Sort(leaders)
	var all []leaderEndpoint
	image := h.Image()
	for _, id := range slices.Compact(leaders) {
		b := image.Brokers.ByID(model.NodeID(id))
		if b == nil {
			continue // no leader at this moment
		}
		if endpoint, ok := h.endpoint(image, b, conn); ok {
			all = append(all, leaderEndpoint{node: b.ID, endpoint: endpoint, rack: rackOf(b)})
		}
	}
	return all
}

// controllerID is a broker that takes requests of administrators. Any does, as with Kafka,
// which names one at random. It is not the active controller where there is another: a
// client that has cached it asks at once when the controller dies, and is answered when
// there is a new one; franz-go takes most of a second to give up on who is dead.
func (h *Handler) controllerID(image *meta.Image) model.NodeID {
	active, self := h.ControllerID(), h.Node
	if self != active {
		return self
	}
	var others []model.NodeID
	for b := range image.Brokers.All() {
		if !b.Fenced && b.ID != active {
			others = append(others, b.ID)
		}
	}
	if len(others) == 0 {
		return self
	}
	slices.Sort(others)
	next, _ := slices.BinarySearch(others, self)
	return others[next%len(others)]
}

// leaderWaitMax is how long a request whose answer names no leader waits for one: an
// election takes less, and a client that is told at once asks again much later.
const leaderWaitMax = time.Second

// awaitLeader waits until another node than this one is known to lead a partition.
func (h *Handler) awaitLeader(ctx context.Context, received time.Time, name model.TopicPartition) {
	if hint, ok := h.leaderHint(name); !ok || h.leads(hint) || h.OutOfTouch() {
		return
	}
	// Counted from its arrival: requests that wait in one connection wait together.
	ctx, cancel := context.WithDeadline(ctx, received.Add(leaderWaitMax))
	defer cancel()
	stop := context.AfterFunc(h.Stopping, cancel)
	defer stop()
	_, _ = h.AwaitImage(ctx, func(*meta.Image) bool { // in vain, the client is told nobody
		hint, ok := h.leaderHint(name)
		p := h.Partitions.Get(name)
		return !ok || h.leads(hint) || p != nil && p.CheckLeader(model.NoLeaderEpoch) == nil
	})
}

// leads: the hint is worth giving. This node has just said that it is not the leader.
func (h *Handler) leads(hint leaderHint) bool {
	return hint.leader != model.NoNode && hint.leader != h.Node
}

func (h *Handler) leaderHint(name model.TopicPartition) (leaderHint, bool) {
	topic := h.Image().Topics.ByName(name.Topic)
	if topic == nil || name.Partition < 0 || int(name.Partition) >= len(topic.Partitions) {
		return leaderHint{}, false
	}
	p := topic.Partitions[name.Partition]
	return leaderHint{leader: p.Leader, epoch: p.LeaderEpoch}, true
}
