package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// AlterReplicaLogDirs (key 34), v1–v2 (KIP-113).
//
// Behaviour: has replicas of this node copied to other log directories while they are in
// use; it does not wait for the end, which DescribeLogDirs shows. Where a replica is not
// here, its directory is remembered in case it comes, and the answer is
// REPLICA_NOT_AVAILABLE: Kafka's tool asks again until it has come.
// Versions: v2 flexible.
// Divergence: a copy that a restart has interrupted begins anew.

func (h *Handler) alterReplicaLogDirs(_ context.Context, _ *server.Request, r *kmsg.AlterReplicaLogDirsRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrAlterReplicaLogDirsResponse()
	at := make(map[string]int) // in the response, by topic
	for _, dir := range r.Dirs {
		for _, t := range dir.Topics {
			i, ok := at[t.Topic]
			if !ok {
				i = len(resp.Topics)
				at[t.Topic] = i
				out := kmsg.NewAlterReplicaLogDirsResponseTopic()
				out.Topic = t.Topic
				resp.Topics = append(resp.Topics, out)
			}
			for _, number := range t.Partitions {
				out := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				out.Partition = number
				out.ErrorCode = h.alterDirectory(model.TopicPartition{Topic: t.Topic, Partition: model.Partition(number)}, dir.Dir)
				resp.Topics[i].Partitions = append(resp.Topics[i].Partitions, out)
			}
		}
	}
	return resp, nil
}

func (h *Handler) alterDirectory(name model.TopicPartition, dir string) int16 {
	topic := h.Image().Topics.ByName(name.Topic)
	if topic == nil || name.Partition < 0 || int(name.Partition) >= len(topic.Partitions) {
		return kerr.UnknownTopicOrPartition.Code
	}
	return wireCode(h.Partitions.AlterDirectory(name, dir))
}
