package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// ListPartitionReassignments (key 46), v0 (KIP-455).
//
// Behaviour: the partitions whose replicas are being changed, of all topics or of those
// asked for: all replicas, those that come, and those that go. What is not being
// changed, or does not exist, is left out.

func (h *Handler) listPartitionReassignments(ctx context.Context, _ *server.Request, r *kmsg.ListPartitionReassignmentsRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	image := h.CatchUp(ctx)
	resp := kmsg.NewPtrListPartitionReassignmentsResponse()
	if r.Topics == nil {
		for _, t := range image.Topics.Sorted() {
			addReassignments(resp, t, allPartitions(t))
		}
		return resp, nil
	}
	for _, asked := range r.Topics {
		if t := image.Topics.ByName(asked.Topic); t != nil {
			addReassignments(resp, t, asked.Partitions)
		}
	}
	return resp, nil
}

func allPartitions(t *meta.Topic) []int32 {
	numbers := make([]int32, len(t.Partitions))
	for i := range numbers {
		numbers[i] = int32(i)
	}
	return numbers
}

func addReassignments(resp *kmsg.ListPartitionReassignmentsResponse, t *meta.Topic, numbers []int32) {
	out := kmsg.NewListPartitionReassignmentsResponseTopic()
	out.Topic = t.Name
	for _, n := range numbers {
		if n < 0 || int(n) >= len(t.Partitions) || !t.Partitions[n].Reassigning() {
			continue
		}
		p := &t.Partitions[n]
		moves := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
		moves.Partition = n
		moves.Replicas, moves.AddingReplicas, moves.RemovingReplicas = ids(p.Replicas), ids(p.Coming()), ids(p.Removing)
		out.Partitions = append(out.Partitions, moves)
	}
	if len(out.Partitions) > 0 {
		resp.Topics = append(resp.Topics, out)
	}
}

// ids are nodes as they are sent; never null.
func ids(nodes []model.NodeID) []int32 {
	out := make([]int32, len(nodes))
	for i, n := range nodes {
		out[i] = int32(n)
	}
	return out
}
