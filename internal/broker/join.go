package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/membership"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

const (
	// joinAgainAfter is between two tries to be let in.
	joinAgainAfter = 500 * time.Millisecond
	// joinMax bounds a try: the answer comes when the quorum's members have changed.
	joinMax = 5 * time.Second
	// strangerAfter is when a node that has metadata asks, too: it hears of no leader, and
	// may have been taken out of the cluster.
	strangerAfter = 2 * time.Second
)

// told are addresses that another node has told this one: that of the metadata's leader is in
// no image here before the leader has been answered. The zero value has none; it may be
// used concurrently.
type told struct {
	mu sync.Mutex
	of map[model.NodeID]string
}

func (t *told) set(of map[model.NodeID]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of = of
}

func (t *told) all() map[model.NodeID]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.of)
}

// clusterAddress is where other nodes are told to connect to: as --peers name this node,
// or else at the cluster port; where that is open on all addresses, at the host that
// clients are told.
func clusterAddress(c *config.Cluster, bound net.Listener, clients []meta.Endpoint) string {
	host, port, err := net.SplitHostPort(cmp.Or(c.Advertised, c.Bind[0]))
	if err != nil {
		return ""
	}
	if port == "0" {
		_, port, _ = net.SplitHostPort(bound.Addr().String()) // of a TCP address
	}
	if ip := net.ParseIP(host); (host == "" || ip != nil && ip.IsUnspecified()) && len(clients) > 0 {
		host = clients[0].Host
	}
	return net.JoinHostPort(host, port)
}

// addresses are where a node may be: as it has registered, as another has told, and as
// --peers say.
func (b *Broker) addresses(node model.NodeID) []string {
	var all []string
	add := func(address string) {
		if address != "" && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	if registered := b.quorum.Applied().Brokers.ByID(node); registered != nil {
		add(registered.ClusterAddress)
	}
	add(b.nodes.told.all()[node])
	for _, p := range b.config.Cluster.Peers {
		if p.Node == node {
			add(p.Address)
		}
	}
	return all
}

// asGiven: a node is known at the one address that --peers give, and who refuses there is
// who was meant (rejections).
func (b *Broker) asGiven(node model.NodeID) bool {
	known := b.addresses(node)
	return slices.ContainsFunc(b.config.Cluster.Peers, func(p config.Peer) bool { return p.Node == node && only(known, p.Address) })
}

// others are the nodes that this one has heard of.
func (b *Broker) others() iter.Seq[model.NodeID] {
	all := make(map[model.NodeID]bool)
	for _, p := range b.config.Cluster.Peers {
		all[p.Node] = true
	}
	for node := range b.nodes.told.all() {
		all[node] = true
	}
	for other := range b.quorum.Applied().Brokers.All() {
		all[other.ID] = true
	}
	delete(all, b.config.NodeID)
	return maps.Keys(all)
}

// seek has this node let into the cluster, until ctx ends: one that has no metadata yet, and
// one that nobody sends any to.
func (b *Broker) seek(ctx context.Context) {
	wait := time.Duration(0)
	if !b.nodes.joins {
		wait = strangerAfter
	}
	said := ""
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = joinAgainAfter
		// An emptied node may hear of a leader that has nothing for it: a snapshot ends that.
		if b.quorum.Leader() != model.NoNode && len(b.quorum.Members().Voters) > 0 {
			continue
		}
		for node := range b.others() {
			err := b.askToJoin(ctx, node)
			if err == nil || ctx.Err() != nil {
				break
			}
			refused, ok := errors.AsType[*wire.Error](err)
			if b.nodes.joins && ok && refused.Code != wire.CodeOf(kerr.NotController) && b.asGiven(node) {
				b.fail(fmt.Errorf("the cluster does not let this node in: %w", err))
				return
			}
			if text := err.Error(); b.nodes.joins && text != said {
				b.logger.Info("Not let into the cluster yet", "asked", node, "reason", text)
				said = text
			}
		}
	}
}

func (b *Broker) askToJoin(ctx context.Context, node model.NodeID) error {
	ctx, cancel := context.WithTimeout(ctx, joinMax)
	defer cancel()
	joined, err := membership.Join(ctx, b.nodes.network, node, membership.Joining{
		Registration: b.registration(), Empty: len(b.quorum.Members().Voters) == 0,
	})
	if err != nil {
		return err
	}
	b.nodes.told.set(joined.Addresses)
	return nil
}
