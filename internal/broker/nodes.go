package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/membership"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/replication"
)

// nodes is what a node of several has besides.
type nodes struct {
	listener net.Listener
	network  *peer.Network
	raft     *peer.Raft
	streams  *replication.Streams
	office   *membership.Office
}

const (
	// supervisorRetry is when the active controller repeats what has had no effect.
	supervisorRetry = 500 * time.Millisecond
	// farewell is how long clients that are connected are still answered after that:
	// told who leads now, they go there at once, where a connection that ends makes them
	// wait before they look for it.
	farewell = 500 * time.Millisecond
	// handOverMax bounds how long a stop waits for others to take over.
	handOverMax = 3 * time.Second
)

// newNodes binds the cluster port and makes what speaks over it.
func (b *Broker) newNodes(ctx context.Context) (*nodes, error) {
	if err := b.checkBootstrap(); err != nil {
		return nil, err
	}
	secrets, err := clusterTLS(b.config.Cluster.TLS)
	if err != nil {
		return nil, err
	}
	listener, err := bindCluster(ctx, b.config.Cluster.Bind)
	if err != nil {
		return nil, err
	}
	n := &nodes{listener: listener}
	n.network = peer.New(peer.Options{
		Node: b.config.NodeID, Listener: listener, Address: b.peerAddress, Hello: b.hello, Judge: b.judge,
		TLS: secrets, Handler: arrivals{b}, Logger: b.logger,
	})
	n.raft = peer.NewRaft(n.network, membership.KindRaft)
	n.streams = replication.New(replication.Options{
		Node: b.config.NodeID, Partitions: held{b}, Logger: b.logger,
		Received: b.watching.replication.Received, Sent: b.watching.replication.Sent,
		ReceivedThrottled: b.watching.replication.ReceivedThrottled, SentThrottled: b.watching.replication.SentThrottled,
		Waiting: b.watching.replication.Waiting,
		Dial: func(ctx context.Context, to model.NodeID) (replication.Stream, error) {
			s, err := n.network.OpenStream(ctx, to)
			if err != nil {
				return nil, err
			}
			return stream{s}, nil
		},
	})
	return n, nil
}

// announce tells the other nodes that this one is there: they try less often the
// longer they could not reach it.
func (b *Broker) announce() {
	for _, p := range b.config.Cluster.Peers {
		b.nodes.network.Send(p.Node, membership.KindStarted, nil)
	}
}

// maybeCampaign has the first of the voters call an election when another one comes
// up and there is no leader: a cluster that starts need not wait for a timeout. Who
// has a leader refuses the vote.
func (b *Broker) maybeCampaign() error {
	if b.quorum.Leader() != model.NoNode || b.voters()[0] != b.config.NodeID {
		return nil
	}
	return b.quorum.Campaign(b.stopping)
}

// campaignAgain is when the first of the voters that are left calls an election again
// that it did not win: others may not have known yet that the leader is gone.
func campaignAgain() []time.Duration {
	return []time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}
}

// replaceLeader has another node lead the metadata quorum, where the one that did is
// gone: a closed connection is a reason to look, and nobody listening there is proof.
func (b *Broker) replaceLeader(gone model.NodeID) {
	ctx, cancel := context.WithTimeout(b.stopping, time.Second)
	defer cancel()
	if !errors.Is(b.nodes.network.Probe(ctx, gone), peer.ErrRefused) || b.quorum.LeaderGone(ctx, gone) != nil {
		return
	}
	left := slices.DeleteFunc(b.voters(), func(n model.NodeID) bool { return n == gone })
	if left[0] != b.config.NodeID {
		return
	}
	for _, wait := range campaignAgain() {
		if b.quorum.Campaign(ctx) != nil {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if leader := b.quorum.Leader(); leader != model.NoNode && leader != gone {
			return
		}
	}
}

// network is what goes between nodes; nil where there is one.
func (b *Broker) network() membership.Network {
	if b.nodes == nil {
		return nil
	}
	return b.nodes.network
}

func (b *Broker) memberOptions() membership.Options {
	o := membership.Options{Node: b.config.NodeID, Quorum: b.quorum, Router: b.router, Partitions: held{b}, Logger: b.logger}
	if b.nodes == nil {
		return o
	}
	c := b.config.Cluster
	o.Lapsed = func() { b.partitions.Lapsed() }
	b.presence = membership.NewPresence(b.nodes.network, b.suspects.add)
	b.nodes.office = membership.NewOffice(membership.OfficeOptions{
		Node: b.config.NodeID, Timing: controller.Timing{
			// No lease of an earlier controller outlasts this (quorum.Machine.Confirm).
			Session: c.Session, First: c.Session - c.Heartbeat*3/4, Retry: supervisorRetry, Prefer: c.PreferAfter,
		},
		Quorum: b.quorum, Network: b.nodes.network, Elected: b.watching.elections.Observe, Logger: b.logger,
		Ask: func(from model.NodeID, q controller.Question) { b.member.Ask(from, q) },
	})
	o.Heartbeat, o.Session, o.Network, o.Office = c.Heartbeat, c.Session, b.nodes.network, b.nodes.office
	return o
}

// handOver has other nodes lead what this one leads, the metadata quorum last.
func (b *Broker) handOver() {
	if b.nodes == nil {
		return
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), handOverMax)
	defer cancel()
	if err := b.member.Leave(ctx); err != nil {
		b.logger.Warn("Stopping without having handed over: no controller has answered in time", "error", err)
		return
	}
	if ended := b.nodes.office.Ended(); ended != nil {
		if err := b.quorum.Yield(ctx); err == nil {
			select {
			case <-ended:
			case <-ctx.Done():
			}
		}
	}
	b.logger.Info("Handed leadership over", "took", time.Since(began).Round(time.Millisecond))
	if b.server.Stats().Connections > 0 {
		<-time.After(farewell)
	}
}

// voters are the nodes that agree on the metadata, as configured.
func (b *Broker) voters() []model.NodeID {
	all := []model.NodeID{b.config.NodeID}
	if b.config.Cluster != nil {
		for _, p := range b.config.Cluster.Peers {
			all = append(all, p.Node)
		}
	}
	slices.Sort(all)
	return all
}

// checkBootstrap: an empty directory begins a cluster only where that is asked for.
func (b *Broker) checkBootstrap() error {
	empty, err := b.dir.empty()
	if err != nil {
		return fmt.Errorf("look into %s: %w", b.dir.path, err)
	}
	if cluster := b.dir.clusterID(); empty && cluster != "" {
		return fmt.Errorf("data directory %s is of cluster %s, and its %s is missing: put that back; without it the vote of node %d is lost, and it cannot come back under this id", b.dir.path, cluster, metadataLog, b.config.NodeID)
	}
	if empty && !b.config.Cluster.Bootstrap {
		return fmt.Errorf("data directory %s is empty: give --bootstrap to begin a cluster with these peers, or the --data-dir that this node had before", b.dir.path)
	}
	return nil
}

// checkVoters: the nodes that were given are those of the cluster.
func (b *Broker) checkVoters() error {
	have, given := b.quorum.Members().Voters, b.voters()
	slices.Sort(have)
	if slices.Equal(have, given) {
		return nil
	}
	if b.nodes == nil {
		return fmt.Errorf("data directory %s is of a cluster of the nodes %v: start it with raft-cluster and its --peers", b.dir.path, have)
	}
	return fmt.Errorf("--peers and --node-id give the nodes %v, and data directory %s is of a cluster of the nodes %v: correct --peers, or choose another --data-dir", given, b.dir.path, have)
}

func (b *Broker) peerAddress(node model.NodeID) (string, bool) {
	for _, p := range b.config.Cluster.Peers {
		if p.Node == node {
			return p.Address, true
		}
	}
	return "", false
}

// held are the partitions that this node holds, for what is made before them.
type held struct{ b *Broker }

// Find implements membership.Partitions and replication.Partitions.
func (h held) Find(topic model.TopicID, number model.Partition) *partition.Partition {
	return h.b.partitions.Find(topic, number)
}

// All implements replication.Partitions.
func (h held) All() func(yield func(*partition.Partition) bool) { return h.b.partitions.All() }

// stream is a peer.Stream of frames in one piece.
type stream struct{ *peer.Stream }

// Write implements replication.Stream.
func (s stream) Write(frame []byte) error { return s.Stream.Write(frame) }
