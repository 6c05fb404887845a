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
	listener   net.Listener
	network    *peer.Network
	joins      bool   // there is no metadata here yet: it waits to be let into a cluster
	address    string // of the cluster port, as other nodes are told
	told       told
	rejections rejections
	raft       *peer.Raft
	streams    *replication.Streams
	office     *membership.Office
}

const (
	// supervisorRetry is when the active controller repeats what has had no effect.
	supervisorRetry = 500 * time.Millisecond
	// uncleanAfter is how long no clean election may be possible before a setting has an
	// unclean one held: processes that were killed together are back by then.
	uncleanAfter = 3 * time.Second
	// farewell is how long clients that are connected are still answered after that:
	// told who leads now, they go there at once, where a connection that ends makes them
	// wait before they look for it.
	farewell = 500 * time.Millisecond
	// handOverMax bounds how long a stop waits for others to take over.
	handOverMax = 3 * time.Second
)

// newNodes binds the cluster port and makes what speaks over it.
func (b *Broker) newNodes(ctx context.Context) (*nodes, error) {
	joins, err := b.checkBegin()
	if err != nil {
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
	n := &nodes{listener: listener, joins: joins, address: clusterAddress(b.config.Cluster, listener, b.endpoints)}
	n.network = peer.New(peer.Options{
		Node: b.config.NodeID, Listener: listener, Addresses: b.addresses, Hello: b.hello, Judge: b.judge,
		TLS: secrets, Handler: arrivals{b}, Logger: b.logger,
	})
	n.raft = peer.NewRaft(n.network, membership.KindRaft, membership.KindRaftPiece)
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
	for node := range b.others() {
		b.nodes.network.Send(node, membership.KindStarted, nil)
	}
}

// maybeCampaign has the first of the voters call an election when another one comes
// up and there is no leader: a cluster that starts need not wait for a timeout. Who
// has a leader refuses the vote.
func (b *Broker) maybeCampaign() error {
	voters := b.quorum.Members().Voters
	if b.quorum.Leader() != model.NoNode || len(voters) == 0 || slices.Min(voters) != b.config.NodeID {
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
	left := slices.DeleteFunc(slices.Clone(b.quorum.Members().Voters), func(n model.NodeID) bool { return n == gone })
	if len(left) == 0 || slices.Min(left) != b.config.NodeID {
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
	o.Others = b.others
	o.Lapsed = func() { b.partitions.Lapsed() }
	b.presence = membership.NewPresence(b.nodes.network, b.suspects.add)
	b.nodes.office = membership.NewOffice(membership.OfficeOptions{
		Node: b.config.NodeID, Timing: controller.Timing{
			// No lease of an earlier controller outlasts this (quorum.Machine.Confirm).
			Session: c.Session, First: c.Session - c.Heartbeat*3/4, Retry: supervisorRetry, Prefer: c.PreferAfter, Unclean: uncleanAfter,
		},
		Quorum: b.quorum, Network: b.nodes.network, Elected: b.watching.elections.Observe, Unclean: b.watching.elections.Unclean, UncleanByDefault: c.UncleanElections,
		Logger: b.logger,
		Ask:    func(from model.NodeID, q controller.Question) { b.member.Ask(from, q) },
	})
	o.Heartbeat, o.Session, o.Network, o.Office = c.Heartbeat, c.Session, b.nodes.network, b.nodes.office
	return o
}

// decided tells the active controller's office of what was decided here.
func (b *Broker) decided(result any) {
	if b.nodes != nil {
		b.nodes.office.Decided(result)
	}
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

// firstVoters are the nodes that begin a cluster, as configured.
func (b *Broker) firstVoters() []model.NodeID {
	all := []model.NodeID{b.config.NodeID}
	if b.config.Cluster != nil {
		for _, p := range b.config.Cluster.Peers {
			all = append(all, p.Node)
		}
	}
	slices.Sort(all)
	return all
}

// checkBegin finds out whether the node is to join a cluster: an empty directory begins
// one only where that is asked for.
func (b *Broker) checkBegin() (joins bool, err error) {
	empty, err := b.dir.empty()
	if err != nil {
		return false, fmt.Errorf("look into %s: %w", b.dir.path, err)
	}
	switch cluster := b.dir.clusterID(); {
	case cluster == "" && b.config.Cluster.Bootstrap, cluster != "" && !empty:
		return false, nil
	case !empty: // a start before this one has not got so far: what it has left tells
		return true, nil
	case cluster != "":
		return false, fmt.Errorf("data directory %s is of cluster %s, and its %s is missing: put that back, or empty the directory and have the node join anew", b.dir.path, cluster, metadataLog)
	case len(b.config.Cluster.Peers) == 0:
		return false, fmt.Errorf("data directory %s is empty: give --bootstrap to begin a cluster, --peers that name a node of the cluster to join, or the --data-dir that this node had before", b.dir.path)
	}
	return true, nil
}

// checkVoters: a node that has been a cluster of its own is not one of several because
// --peers say so: those would begin a cluster without it. And one that has begun a cluster
// which nobody has heard of yet begins no other.
func (b *Broker) checkVoters() error {
	voters := b.quorum.Members().Voters
	alone := slices.Equal(voters, []model.NodeID{b.config.NodeID})
	switch {
	case b.nodes == nil && !alone:
		slices.Sort(voters)
		return fmt.Errorf("data directory %s is of a cluster of the nodes %v: start it with raft-cluster and its --peers", b.dir.path, voters)
	case b.nodes != nil && !b.nodes.joins && b.dir.clusterID() == "" && !slices.Equal(slices.Sorted(slices.Values(voters)), b.firstVoters()):
		return fmt.Errorf("--peers and --node-id give the nodes %v, and data directory %s is of a cluster of the nodes %v: correct --peers, or choose another --data-dir", b.firstVoters(), b.dir.path, voters)
	case b.nodes != nil && alone && len(b.config.Cluster.Peers) > 0 && b.quorum.Applied().Brokers.Len() <= 1:
		return fmt.Errorf("data directory %s is of a cluster of this node alone: start it without --peers, and the others without --bootstrap and with --peers %d@%s, which has them join it",
			b.dir.path, b.config.NodeID, b.nodes.address)
	}
	return nil
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
