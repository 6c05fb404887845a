package api

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// DescribeLogDirs (key 35), v1–v5.
//
// Behaviour: the log directories, each with the size of the partitions in it: all for
// null, otherwise those asked for. A copy on its way to a directory (AlterReplicaLogDirs)
// is there as a future one, with its lag.
// Versions: v2 flexible; v3 top-level error; v4 size and free space of the disk
// (KIP-827); v5 cordoned (KIP-1066), which chronik's directories never are.

func (h *Handler) describeLogDirs(_ context.Context, _ *server.Request, r *kmsg.DescribeLogDirsRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	held := h.logDirTopics(r)
	for i := range h.LogDirs {
		d := &h.LogDirs[i]
		dir := kmsg.NewDescribeLogDirsResponseDir()
		dir.Dir, dir.TotalBytes, dir.UsableBytes = d.Path, -1, -1
		if d.Err() != nil {
			dir.ErrorCode = kerr.KafkaStorageError.Code
		} else {
			if usage, err := d.Usage(); err == nil {
				dir.TotalBytes, dir.UsableBytes = int64(usage.TotalBytes), int64(usage.FreeBytes)
			}
			dir.Topics = held[d.Path].sorted()
		}
		resp.Dirs = append(resp.Dirs, dir)
	}
	return resp, nil
}

// dirTopics are the partitions in a log directory, by topic.
type dirTopics map[string][]kmsg.DescribeLogDirsResponseDirTopicPartition

// logDirTopics are the partitions that are asked for, by log directory.
func (h *Handler) logDirTopics(r *kmsg.DescribeLogDirsRequest) map[string]dirTopics {
	wanted := make(map[model.TopicPartition]bool)
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			wanted[model.TopicPartition{Topic: t.Topic, Partition: model.Partition(p)}] = true
		}
	}
	dirs := make(map[string]dirTopics)
	for p := range h.Partitions.All() {
		name := p.Name()
		if r.Topics != nil && !wanted[name] {
			continue
		}
		out := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		out.Partition, out.Size = int32(name.Partition), p.SizeBytes()
		dirs[p.Directory()] = dirs[p.Directory()].with(name.Topic, out)
	}
	for _, m := range h.Partitions.Moves() {
		name := m.Partition.Name()
		if r.Topics != nil && !wanted[name] {
			continue
		}
		out := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		out.Partition, out.Size, out.OffsetLag, out.IsFuture = int32(name.Partition), m.SizeBytes, m.OffsetLag, true
		dirs[m.Directory] = dirs[m.Directory].with(name.Topic, out)
	}
	return dirs
}

func (t dirTopics) with(topic string, p kmsg.DescribeLogDirsResponseDirTopicPartition) dirTopics {
	if t == nil {
		t = make(dirTopics)
	}
	t[topic] = append(t[topic], p)
	return t
}

func (t dirTopics) sorted() []kmsg.DescribeLogDirsResponseDirTopic {
	topics := make([]kmsg.DescribeLogDirsResponseDirTopic, 0, len(t))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		slices.SortFunc(t[name], func(a, b kmsg.DescribeLogDirsResponseDirTopicPartition) int {
			return int(a.Partition - b.Partition)
		})
		out := kmsg.NewDescribeLogDirsResponseDirTopic()
		out.Topic, out.Partitions = name, t[name]
		topics = append(topics, out)
	}
	return topics
}
