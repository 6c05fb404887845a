package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// AlterPartitionReassignments (key 45), v0–v1 (KIP-455).
//
// Behaviour: begins to give partitions other replicas, or cancels that where the list is
// null; it does not wait for the end. At no time are fewer copies in sync than before:
// new ones join first, and then the others go.
// Versions: v1 may forbid another number of replicas (KIP-860).
// Divergence: a replica that was to come and is in sync already goes by the same steps
// when that is cancelled, and is listed until it has gone.

func (h *Handler) alterPartitionReassignments(ctx context.Context, _ *server.Request, r *kmsg.AlterPartitionAssignmentsRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	command := controller.AlterReassignments{FixedFactor: !r.AllowReplicationFactorChange}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			move := controller.Reassign{Topic: t.Topic, Partition: model.Partition(p.Partition)}
			if p.Replicas != nil {
				move.Replicas = nodes(p.Replicas)
			}
			command.Partitions = append(command.Partitions, move)
		}
	}
	result, err := submit[controller.ReassignmentsAltered](ctx, h.Controller, command)
	resp := kmsg.NewPtrAlterPartitionAssignmentsResponse()
	resp.AllowReplicationFactorChange = r.AllowReplicationFactorChange
	resp.ErrorCode, resp.ErrorMessage = wireCode(err), message(err)
	next := 0
	for _, t := range r.Topics {
		out := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			done := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			done.Partition = p.Partition
			why := err
			if err == nil && result.Partitions[next].Err != nil {
				why = result.Partitions[next].Err
			}
			next++
			done.ErrorCode, done.ErrorMessage = wireCode(why), message(why)
			out.Partitions = append(out.Partitions, done)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp, nil
}
