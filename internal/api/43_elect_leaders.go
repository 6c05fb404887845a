package api

import (
	"context"

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
// acks=1 only may be lost, as with Kafka.
// Versions: v1 election type (KIP-460); v2 flexible.
// Divergence: unclean elections are refused; a partition without enough live members of
// its in-sync set waits for them.

const (
	preferredElection = 0
	uncleanElection   = 1
)

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
		err = wire.Errorf(kerr.InvalidRequest, "Unclean elections are not carried out: a partition waits for the members of its in-sync set.")
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
	led := func(image *meta.Image, p controller.PartitionName) bool {
		t := image.Topics.ByName(p.Topic)
		return t == nil || int(p.Partition) >= len(t.Partitions) || t.Partitions[p.Partition].Leader != model.NoNode
	}
	image, _ := h.AwaitImage(ctx, func(image *meta.Image) bool { // in vain: the client is told
		for i := range result.Partitions {
			if p := &result.Partitions[i]; p.Err == nil && !led(image, p.PartitionName) {
				return false
			}
		}
		return true
	})
	for i := range result.Partitions {
		if p := &result.Partitions[i]; p.Err == nil && !led(image, p.PartitionName) {
			p.Err = wire.Errorf(kerr.RequestTimedOut, "The election has not ended yet.")
		}
	}
	return result.Partitions, nil
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
