package broker

import (
	"context"
	"net"
	"runtime/debug"

	"github.com/chronik/chronik/internal/admin"
	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/vfs"
)

// watching is what operators and Prometheus see of the node.
type watching struct {
	elections   *metrics.Elections
	replication metrics.Replication
	admin       *admin.Server // nil: the pages are not served
	address     string
}

// newWatching binds the admin listener. It fails only where somebody has chosen the
// address; the default is one that may be taken.
func (b *Broker) newWatching(ctx context.Context) error {
	b.watching.elections = metrics.NewElections()
	c := b.config.Admin
	if c.Addr == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	switch {
	case err != nil && c.Given:
		return addressError("the admin listener", c.Addr, err, "--admin-addr (admin.addr)")
	case err != nil:
		b.logger.Warn("Metrics and debug pages are not served: their default address is taken; choose one with --admin-addr", "address", c.Addr, "error", err)
		return nil
	}
	b.watching.address = listener.Addr().String()
	b.admitted = listener
	return nil
}

// buildAdmin makes the admin listener's server of the components.
func (b *Broker) buildAdmin() error {
	if b.admitted == nil {
		return nil
	}
	m, err := metrics.New(metrics.Sources{
		Node: b.config.NodeID, Incarnation: b.incarnation, Version: programVersion(),
		Image: b.quorum.Image, Quorum: b.quorum.Status, Server: b.server.Stats, Requests: b.handler.Stats,
		Commits: b.disk.CommitStats, Partitions: b.describePartitions,
		Disk:      metrics.Disk{Usage: func() (vfs.Usage, error) { return b.fs.Usage(b.dir.path) }, Err: b.diskErr},
		LogDirs:   b.logDirUsages(),
		Elections: b.watching.elections, Replication: &b.watching.replication,
	})
	if err != nil {
		return err
	}
	b.watching.admin, err = admin.New(admin.Options{
		Listeners: []net.Listener{b.admitted}, Logger: b.logger, Node: b.config.NodeID, Incarnation: b.incarnation,
		Image: b.quorum.Image, Quorum: b.quorum.Status, Partitions: b.describePartitions, DiskErr: b.diskErr, Metrics: m,
	})
	return err
}

// describePartitions is metrics.Partitions of those that this node holds.
func (b *Broker) describePartitions(yield func(*metrics.Partition) bool) {
	var known []partition.Follower
	var d metrics.Partition
	for p := range b.partitions.All() {
		state, o := p.State(), p.Offsets()
		d = metrics.Partition{
			Topic: p.Name().Topic, Partition: p.Name().Partition,
			Leader: state.Leader, LeaderEpoch: state.LeaderEpoch, Replicas: state.Replicas, ISR: state.ISR, MinInsync: state.MinInsync,
			LogStart: o.Start, HighWatermark: o.HighWatermark, LogEnd: o.End, Size: p.SizeBytes(),
			Followers: d.Followers[:0],
		}
		known = p.Followers(known[:0])
		for _, f := range known {
			follower := metrics.Follower{Node: f.Node, LogEnd: model.NoOffset}
			if f.Known {
				follower.LogEnd, follower.LastCaughtUp, follower.CaughtUp = f.End, f.CaughtUp, f.End >= o.End
			}
			d.Followers = append(d.Followers, follower)
		}
		if !yield(&d) {
			return
		}
	}
	image := b.quorum.Image()
	for name, why := range b.partitions.EachOffline {
		d = metrics.Partition{Topic: name.Topic, Partition: name.Partition, Leader: model.NoNode, Offline: why}
		if topic := image.Topics.ByName(name.Topic); topic != nil && int(name.Partition) < len(topic.Partitions) {
			p := &topic.Partitions[name.Partition]
			d.Leader, d.LeaderEpoch, d.Replicas, d.ISR = p.Leader, p.LeaderEpoch, p.Replicas, p.ISR
		}
		if !yield(&d) {
			return
		}
	}
}

// programVersion is the module's, as it was built.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
