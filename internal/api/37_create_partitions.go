package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// CreatePartitions (key 37), v0–v3 (KIP-195).
//
// Behaviour: raises the number of partitions of topics; never lowers it.

func (h *Handler) createPartitions(ctx context.Context, _ *server.Request, r *kmsg.CreatePartitionsRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	command := controller.CreatePartitions{ValidateOnly: r.ValidateOnly}
	for _, t := range r.Topics {
		grow := controller.GrowTopic{Name: t.Topic, Count: t.Count}
		if t.Assignment != nil {
			grow.Assignments = make([][]model.NodeID, 0, len(t.Assignment))
		}
		for _, a := range t.Assignment {
			grow.Assignments = append(grow.Assignments, nodes(a.Replicas))
		}
		command.Topics = append(command.Topics, grow)
	}
	result, err := submit[controller.CreatePartitionsResult](ctx, h.Controller, command)
	resp := kmsg.NewPtrCreatePartitionsResponse()
	for i, t := range r.Topics {
		out := kmsg.NewCreatePartitionsResponseTopic()
		out.Topic = t.Topic
		why := err
		if err == nil && result.Topics[i].Err != nil {
			why = result.Topics[i].Err
		}
		out.ErrorCode, out.ErrorMessage = wireCode(why), message(why)
		resp.Topics = append(resp.Topics, out)
	}
	return resp, nil
}
