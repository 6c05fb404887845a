package broker

import (
	"context"
	"strconv"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/coordinator/group"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
)

func (b *Broker) partitionOptions() partition.Options {
	s := b.config.Storage
	o := partition.Options{
		Node: b.config.NodeID, FS: b.fs, Dir: b.dir.path, Disk: b.disk, Logger: b.logger,
		Static: b.config.Static, Directories: b.partitionDirectories(),
		Upkeep: partition.Upkeep{
			RetentionInterval: s.RetentionCheckInterval, Compaction: s.CompactionEnabled,
			CompactionBackoff: s.CompactionBackoff, CompactionMapBytes: int(s.CompactionKeyMemoryMax),
		},
		LogsMax:     logsMax(filesMax()),
		LagMax:      b.config.Replication.LagMax,
		RoleChanged: b.roleChanged,
		Shrunk:      b.watching.replication.Shrunk, Expanded: b.watching.replication.Expanded,
	}
	if b.nodes != nil {
		o.Peers, o.Controller, o.Lease = b.nodes.streams, b.member, b.member
		o.Damaged = b.giveUp
	}
	return o
}

func (b *Broker) quorumOptions() quorum.Options {
	o := quorum.Options{
		Node: b.config.NodeID, ClusterID: b.dir.clusterID(), FS: b.fs, Dir: b.dir.path, Disk: b.disk,
		Logger: b.logger, CleanShutdown: b.dir.clean, Publish: b.apply, Env: b.controllerEnv,
	}
	if b.nodes != nil {
		o.Voters, o.Join, o.Transport = b.firstVoters(), b.nodes.joins, b.nodes.raft
		o.LeaderChanged = func() { b.member.LeaderChanged() }
		o.Follow = func(delta meta.Delta, image *meta.Image) { b.nodes.office.Apply(delta, image) }
		o.Lead = func(term uint64) { b.nodes.office.Lead(term) }
	}
	return o
}

func (b *Broker) controllerEnv() controller.Env {
	t := b.config.Topics
	return controller.Env{
		Now: time.Now(), NewID: model.NewUUID,
		Partitions: int32(t.DefaultPartitions), ReplicationFactor: t.DefaultReplicationFactor,
		Heard: b.heard,
	}
}

// heard are the metadata versions that a broker's run has said it supports. The only node
// says nothing to itself.
func (b *Broker) heard(node model.NodeID, epoch model.BrokerEpoch) meta.Range {
	switch {
	case b.nodes != nil:
		return b.nodes.office.Supports(node, epoch)
	case node == b.config.NodeID:
		return meta.Supported
	}
	return meta.Range{}
}

func (b *Broker) groupOptions() group.Options {
	g, o := b.config.Groups, b.config.Offsets
	return group.Options{
		Node: b.config.NodeID, Partitions: b.partitions,
		Image:  func() *meta.Image { return b.quorum.Image() },
		Logger: b.logger,
		Config: group.Config{
			InitialRebalanceDelay: g.InitialRebalanceDelay,
			SessionTimeoutMin:     g.SessionTimeoutMin, SessionTimeoutMax: g.SessionTimeoutMax,
			MembersMax: g.MembersMax, OffsetsPartitions: o.Partitions,
			OffsetsRetention: o.Retention, OffsetsRetentionCheckInterval: o.RetentionCheckInterval,
			OffsetMetadataBytesMax: o.MetadataBytesMax,
		},
	}
}

func (b *Broker) serverOptions() server.Options {
	return server.Options{
		Listeners: b.bound, Handler: b.handler, Limits: b.config.Limits, Logger: b.logger,
	}
}

// createOffsetsTopic creates __consumer_offsets as the settings say.
func (b *Broker) createOffsetsTopic(ctx context.Context) error {
	o := b.config.Offsets
	// A cluster of fewer nodes must work without settings. Of one whose nodes are still
	// coming up the controller refuses it, and the client asks again: offsets on a single
	// node would stay there.
	factor := min(int(o.ReplicationFactor), max(len(b.firstVoters()), b.quorum.Image().Brokers.Len()))
	text := func(s string) *string { return &s }
	result, err := b.router.Submit(ctx, controller.CreateTopics{Topics: []controller.CreateTopic{{
		Name: group.OffsetsTopic, Partitions: int32(o.Partitions), ReplicationFactor: int16(factor),
		Configs: map[string]*string{
			"cleanup.policy":   text("compact"),
			"compression.type": text("producer"),
			"segment.bytes":    text(strconv.FormatInt(o.SegmentBytes, 10)),
		},
	}}})
	if err != nil {
		return err
	}
	if created, ok := result.(controller.CreateTopicsResult); ok && created.Topics[0].Err != nil {
		return created.Topics[0].Err
	}
	return nil
}
