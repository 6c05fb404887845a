package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
)

// DescribeQuorum (key 55), v0–v2 (KIP-595, KIP-836, KIP-853).
//
// Behaviour: the state of the metadata log, asked of its leader. Raft's term stands for the leader
// epoch, its commit index (exclusive) for the high watermark.
// The one partition to ask for is __cluster_metadata-0.

const (
	metadataTopic     = "__cluster_metadata"
	metadataPartition = 0
)

func (h *Handler) describeQuorum(ctx context.Context, _ *server.Request, r *kmsg.DescribeQuorumRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrDescribeQuorumResponse()
	status := h.Quorum(ctx)
	for _, t := range r.Topics {
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			if t.Topic == metadataTopic && p.Partition == metadataPartition {
				topic.Partitions = append(topic.Partitions, describeMetadataLog(status))
				continue
			}
			out := kmsg.NewDescribeQuorumResponseTopicPartition()
			out.Partition, out.ErrorCode = p.Partition, kerr.UnknownTopicOrPartition.Code
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	image := h.Image()
	for _, v := range slices.Concat(status.Voters, status.Learners) {
		resp.Nodes = append(resp.Nodes, describeQuorumNode(image, v.Node))
	}
	return resp, nil
}

func describeMetadataLog(s quorum.Status) kmsg.DescribeQuorumResponseTopicPartition {
	out := kmsg.NewDescribeQuorumResponseTopicPartition()
	out.LeaderID, out.LeaderEpoch, out.HighWatermark = int32(s.Leader), int32(s.Term), int64(s.Commit)+1
	for _, v := range s.Voters {
		out.CurrentVoters = append(out.CurrentVoters, describeVoter(v))
	}
	for _, v := range s.Learners {
		out.Observers = append(out.Observers, describeVoter(v))
	}
	return out
}

func describeVoter(v quorum.Replica) kmsg.DescribeQuorumResponseTopicPartitionReplicaState {
	out := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
	out.ReplicaID, out.ReplicaDirectoryID = int32(v.Node), v.Directory
	out.LogEndOffset = int64(v.LogEnd)
	out.LastFetchTimestamp, out.LastCaughtUpTimestamp = int64(v.LastContact), int64(v.LastCaughtUp)
	return out
}

func describeQuorumNode(image *meta.Image, id model.NodeID) kmsg.DescribeQuorumResponseNode {
	out := kmsg.NewDescribeQuorumResponseNode()
	out.NodeID = int32(id)
	broker := image.Brokers.ByID(id)
	if broker == nil {
		return out
	}
	for _, e := range broker.Endpoints {
		l := kmsg.NewDescribeQuorumResponseNodeListener()
		l.Name, l.Host, l.Port = e.Listener, e.Host, e.Port
		out.Listeners = append(out.Listeners, l)
	}
	return out
}
