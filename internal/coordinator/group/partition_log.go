package group

import (
	"context"
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/coordinator"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
)

// loadBytes is how much of the log a load reads at a time: enough that the disk
// streams, and little for fifty shards that load at once.
const loadBytes = 256 << 10

// partitionLog is a partition as a coordinator's log, under one leader epoch.
type partitionLog struct {
	partition *partition.Partition
	epoch     model.LeaderEpoch
	buffer    []byte // of Read
}

func openLog(set *partition.Set, p model.Partition, epoch model.LeaderEpoch) (coordinator.Log, error) {
	name := model.TopicPartition{Topic: OffsetsTopic, Partition: p}
	found := set.Get(name)
	if found == nil {
		return nil, fmt.Errorf("%s: %w", name, coordinator.ErrNotLeader)
	}
	return &partitionLog{partition: found, epoch: epoch, buffer: make([]byte, loadBytes)}, nil
}

// Append implements coordinator.Log.
func (l *partitionLog) Append(batch record.Batch, now model.Timestamp) (model.Offset, error) {
	pending, err := l.partition.Append(batch, partition.Append{
		Origin: storage.FromCoordinator, Acks: partition.AcksAll, Epoch: l.epoch, Now: now,
	})
	if err != nil {
		return 0, refusal(err)
	}
	return pending.EndOffset, nil
}

// WaitCommitted implements coordinator.Log.
func (l *partitionLog) WaitCommitted(ctx context.Context, end model.Offset) error {
	if err := l.partition.WaitCommitted(ctx, end); err != nil {
		return refusal(err)
	}
	if l.partition.State().LeaderEpoch != l.epoch {
		return coordinator.ErrNotLeader
	}
	return nil
}

// Read implements coordinator.Log.
func (l *partitionLog) Read(from model.Offset) ([]byte, error) {
	result, err := l.partition.Read(partition.Read{
		From: from, MaxBytes: loadBytes, MinOneBatch: true, Isolation: partition.ReadLogEnd,
		Epoch: l.epoch, LastEpoch: model.NoLeaderEpoch, Buffer: l.buffer,
	})
	if err != nil {
		return nil, refusal(err)
	}
	return result.Batches, nil
}

// Bounds implements coordinator.Log.
func (l *partitionLog) Bounds() (start, end model.Offset) {
	o := l.partition.Offsets()
	return o.Start, o.End
}

// refusal translates a partition's error. What it does not know is passed on:
// the shard then loads its log again.
func refusal(err error) error {
	switch {
	case errors.Is(err, partition.ErrNotLeader), errors.Is(err, partition.ErrClosed),
		errors.Is(err, partition.ErrFencedLeaderEpoch), errors.Is(err, partition.ErrUnknownLeaderEpoch):
		return fmt.Errorf("%w: %w", coordinator.ErrNotLeader, err)
	case errors.Is(err, partition.ErrNotEnoughReplicas):
		return fmt.Errorf("%w: %w", coordinator.ErrUnavailable, err)
	case errors.Is(err, storage.ErrMessageTooLarge), errors.Is(err, storage.ErrRecordListTooLarge):
		return fmt.Errorf("%w: %w", coordinator.ErrTooLarge, err)
	}
	return err
}
