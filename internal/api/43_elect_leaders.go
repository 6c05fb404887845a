package api

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// ElectLeaders (key 43), v0–v2 (KIP-183, KIP-460).
//
// Behaviour: has partitions elect the first of their replicas, where it is in sync, and
// waits until they have a leader. It is elected where it holds all that may be committed,
// though another may hold more; an older leader's records that were acknowledged with
// acks=1 only may be lost, as with Kafka. An unclean election gives partitions without a
// leader one that may lack committed records, where so few of the in-sync set are there
// that no clean one is possible; where one is, it is waited for.
// Versions: v1 election type (KIP-460); v2 flexible.

const (
	preferredElection = 0
	uncleanElection   = 1
)

// uncleanAgainAfter is when an unclean election is asked for again that has not ended: the
// controller may have changed, who forgets it.
const uncleanAgainAfter = time.Second

func (h *Handler) electLeaders(ctx context.Context, _ *server.Request, r *kmsg.ElectLeadersRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	resp := kmsg.NewPtrElectLeadersResponse()
	var outcomes []controller.LeaderPreferred
	var err error
	switch {
	case r.ElectionType == preferredElection:
		outcomes, err = h.preferLeaders(ctx, r)
	case r.ElectionType == uncleanElection:
		outcomes, err = h.electUncleanly(ctx, r)
	default:
		err = wire.Errorf(kerr.InvalidRequest, "There is no election type %d.", r.ElectionType)
	}
	if err != nil {
		if r.Topics == nil { // where partitions are named, each says why: the whole has no message
			resp.ErrorCode = wireCode(err)
		}
		for _, name := range partitionNames(r) {
			outcomes = append(outcomes, controller.LeaderPreferred{PartitionName: name, Err: asWire(err)})
		}
	}
	for _, o := range outcomes {
		if n := len(resp.Topics); n == 0 || resp.Topics[n-1].Topic != o.Topic {
			t := kmsg.NewElectLeadersResponseTopic()
			t.Topic = o.Topic
			resp.Topics = append(resp.Topics, t)
		}
		p := kmsg.NewElectLeadersResponseTopicPartition()
		p.Partition = int32(o.Partition)
		if o.Err != nil {
			p.ErrorCode, p.ErrorMessage = wireCode(o.Err), message(o.Err)
		}
		t := &resp.Topics[len(resp.Topics)-1]
		t.Partitions = append(t.Partitions, p)
	}
	return resp, nil
}

func (h *Handler) preferLeaders(ctx context.Context, r *kmsg.ElectLeadersRequest) ([]controller.LeaderPreferred, error) {
	result, err := submit[controller.LeadersPreferred](ctx, h.Controller,
		controller.PreferLeaders{Partitions: partitionNames(r), All: r.Topics == nil})
	if err != nil {
		return nil, err
	}
	image := h.awaitLeaders(ctx, result.Partitions)
	tellElecting(result.Partitions, image)
	for i := range result.Partitions {
		if o := &result.Partitions[i]; o.Err == nil {
			o.Err = ledByAnother(image, o.PartitionName)
		}
	}
	return result.Partitions, nil
}

// ledByAnother says so of a partition whose election has ended with another leader than its
// first replica; nil where it has not.
func ledByAnother(image *meta.Image, name controller.PartitionName) *wire.Error {
	t := image.Topics.ByName(name.Topic)
	if t == nil || int(name.Partition) >= len(t.Partitions) {
		return nil // it has been deleted
	}
	p := &t.Partitions[name.Partition]
	if p.Leader == p.Replicas[0] {
		return nil
	}
	return wire.Errorf(kerr.PreferredLeaderNotAvailable, "The preferred leader %d has not answered in time, or holds less than %d, which was elected.", p.Replicas[0], p.Leader)
}

// electUncleanly asks again until each partition has a leader, or an error.
func (h *Handler) electUncleanly(ctx context.Context, r *kmsg.ElectLeadersRequest) ([]controller.LeaderPreferred, error) {
	result, err := submit[controller.UncleanlyElecting](ctx, h.Controller,
		controller.ElectUncleanly{Partitions: partitionNames(r), All: r.Topics == nil})
	if err != nil {
		return nil, err
	}
	outcomes := make([]controller.LeaderPreferred, len(result.Partitions))
	for i := range result.Partitions {
		outcomes[i] = controller.LeaderPreferred{PartitionName: result.Partitions[i].PartitionName, Err: result.Partitions[i].Err}
	}
	for {
		wait, cancel := context.WithTimeout(ctx, uncleanAgainAfter)
		image := h.awaitLeaders(wait, outcomes)
		cancel()
		var again []*controller.LeaderPreferred
		command := controller.ElectUncleanly{}
		for i := range outcomes {
			if electing(&outcomes[i], image) {
				again = append(again, &outcomes[i])
				command.Partitions = append(command.Partitions, outcomes[i].PartitionName)
			}
		}
		if len(again) > 0 && ctx.Err() == nil {
			result, err = submit[controller.UncleanlyElecting](ctx, h.Controller, command)
		}
		if len(again) == 0 || ctx.Err() != nil || err != nil {
			tellElecting(outcomes, h.Image())
			return outcomes, nil //nolint:nilerr // of each partition that waits the client is told
		}
		for i := range result.Partitions {
			if err := result.Partitions[i].Err; err != nil && err.Code != wire.Code(kerr.ElectionNotNeeded.Code) {
				again[i].Err = err
			}
		}
	}
}

// awaitLeaders returns the image in which no partition is electing any more, or the newest
// when ctx ends: then the client is told.
func (h *Handler) awaitLeaders(ctx context.Context, outcomes []controller.LeaderPreferred) *meta.Image {
	image, _ := h.AwaitImage(ctx, func(image *meta.Image) bool {
		return !slices.ContainsFunc(outcomes, func(o controller.LeaderPreferred) bool { return electing(&o, image) })
	})
	return image
}

// electing reports whether a partition waits for its leader still. Who has been deleted
// does not.
func electing(o *controller.LeaderPreferred, image *meta.Image) bool {
	t := image.Topics.ByName(o.Topic)
	return o.Err == nil && t != nil && int(o.Partition) < len(t.Partitions) && t.Partitions[o.Partition].Leader == model.NoNode
}

func tellElecting(outcomes []controller.LeaderPreferred, image *meta.Image) {
	for i := range outcomes {
		if electing(&outcomes[i], image) {
			outcomes[i].Err = wire.Errorf(kerr.RequestTimedOut, "The election has not ended yet.")
		}
	}
}

func partitionNames(r *kmsg.ElectLeadersRequest) []controller.PartitionName {
	var names []controller.PartitionName
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			names = append(names, controller.PartitionName{Topic: t.Topic, Partition: model.Partition(p)})
		}
	}
	return names
}
