package api

import (
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// DescribeLogDirs (key 35), v1–v5.
//
// Behaviour: the data directory with the size of the partitions in it: all for
// null, otherwise those asked for.
// Versions: v2 flexible; v3 top-level error; v4 size and free space of the disk
// (KIP-827); v5 cordoned (KIP-1066), which chronik's directory never is.

func (h *Handler) describeLogDirs(_ context.Context, _ *server.Request, r *kmsg.DescribeLogDirsRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir, dir.TotalBytes, dir.UsableBytes = h.Disk.Path, -1, -1
	if h.Disk.Err() != nil {
		dir.ErrorCode = kerr.KafkaStorageError.Code
	} else {
		if usage, err := h.Disk.Usage(); err == nil {
			dir.TotalBytes, dir.UsableBytes = int64(usage.TotalBytes), int64(usage.FreeBytes)
		}
		dir.Topics = h.logDirTopics(r)
	}
	resp.Dirs = append(resp.Dirs, dir)
	return resp, nil
}

func (h *Handler) logDirTopics(r *kmsg.DescribeLogDirsRequest) []kmsg.DescribeLogDirsResponseDirTopic {
	wanted := make(map[model.TopicPartition]bool)
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			wanted[model.TopicPartition{Topic: t.Topic, Partition: model.Partition(p)}] = true
		}
	}
	byTopic := make(map[string][]kmsg.DescribeLogDirsResponseDirTopicPartition)
	for p := range h.Partitions.All() {
		name := p.Name()
		if r.Topics != nil && !wanted[name] {
			continue
		}
		out := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		out.Partition, out.Size = int32(name.Partition), p.SizeBytes()
		byTopic[name.Topic] = append(byTopic[name.Topic], out)
	}
	topics := make([]kmsg.DescribeLogDirsResponseDirTopic, 0, len(byTopic))
	for name, partitions := range byTopic {
		slices.SortFunc(partitions, func(a, b kmsg.DescribeLogDirsResponseDirTopicPartition) int {
			return int(a.Partition - b.Partition)
		})
		t := kmsg.NewDescribeLogDirsResponseDirTopic()
		t.Topic, t.Partitions = name, partitions
		topics = append(topics, t)
	}
	slices.SortFunc(topics, func(a, b kmsg.DescribeLogDirsResponseDirTopic) int { return strings.Compare(a.Topic, b.Topic) })
	return topics
}
