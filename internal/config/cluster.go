package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/settings"
)

// Cluster is what a node of a cluster knows of the others at its start.
type Cluster struct {
	// Bind are the addresses to open for the other nodes, as in Listener.Binds.
	Bind []string
	// Advertised is where other nodes are told to connect to, host:port; "": at Bind.
	Advertised string
	// Peers are other nodes, by id: all voters of a new cluster, and any node of one that
	// there is. There may be none.
	Peers []Peer
	// Bootstrap: where the data directory is empty, a new cluster of this node and
	// its peers begins.
	Bootstrap bool
	// TLS is nil where nodes speak to each other in the clear.
	TLS *ClusterTLS
	// Heartbeat is how often the controller hears of this node, and Session how
	// long it waits for a silent one: at least three heartbeats.
	Heartbeat, Session time.Duration
	Balancer           Balancer
	// PreferAfter is how long the first of a partition's replicas may be able to lead
	// before it does; 0: for ever.
	PreferAfter time.Duration
	// UncleanElections is unclean.leader.election.enable of topics that nothing else says
	// it for.
	UncleanElections bool
}

// Balancer is how a cluster evens itself out.
type Balancer struct {
	Enable         bool
	Interval       time.Duration // between looks at what nodes store
	BytesPerSecond int64         // that a node sends, or is sent
}

// ClusterTLS names the files (PEM) by which nodes know each other.
type ClusterTLS struct {
	CertificateFile, KeyFile, CAFile string
}

const (
	votersSetting    = "controller.quorum.voters"
	bootstrapServers = "controller.quorum.bootstrap.servers"

	aloneReason      = "this node is a cluster of its own: neither raft-cluster nor peers makes it one of several"
	votersReason     = "peers is set, and says who the nodes of the cluster are"
	controllerReason = "chronik's nodes speak a protocol of their own among themselves, at raft.addr; no listener is opened for controllers"
)

// clustering is what is decided about the cluster.
type clustering struct {
	cluster  *Cluster // nil: none
	ignored  []Ignored
	warnings []string
}

// decideCluster finds who the other nodes are, and where they connect to. The node
// is one of a cluster where it is asked for on the command line, where peers is
// set, or where controller.quorum.voters names several nodes, as it does in the
// file of a cluster of Kafka's.
func decideCluster(g given, asked bool, l listening) (clustering, error) {
	nodes, from, err := clusterNodes(g)
	if err != nil {
		return clustering{}, err
	}
	servers, hasServers := g.get(bootstrapServers)
	hasServers = hasServers && len(settings.SplitList(servers.Text)) > 1
	if !asked && from.Origin == "" {
		c := clustering{ignored: aloneIgnored(g, l)}
		if hasServers {
			c.warnings = append(c.warnings, servers.Origin+": "+bootstrapServers+
				" names several nodes, and not their ids: this node is a cluster of its own; name the others in peers, as id@host:port")
		}
		return c, nil
	}
	if !g.hasAny("node.id") && whole(g, "broker.id") < 0 {
		return clustering{}, errors.New("a node of a cluster needs a number that no other has: set --node-id (node.id)")
	}
	return formCluster(g, nodes, from, l)
}

// clusterNodes are the nodes that were named, and where; a single voter makes no
// cluster.
func clusterNodes(g given) ([]nodeAddress, value, error) {
	for _, name := range [...]string{"peers", votersSetting} {
		v, ok := g.get(name)
		if !ok {
			continue
		}
		nodes, err := parseNodeAddresses(name, v.Text)
		if err != nil {
			return nil, value{}, fmt.Errorf("%s: %w", v.Origin, err)
		}
		if name == "peers" || len(nodes) > 1 {
			return nodes, v, nil
		}
	}
	return nil, value{}, nil
}

// formCluster puts a cluster together of nodes that were given at from.
func formCluster(g given, nodes []nodeAddress, from value, l listening) (clustering, error) {
	own := nodeID(g)
	self := slices.IndexFunc(nodes, func(n nodeAddress) bool { return n.node == own })
	peersGiven := g.hasAny("peers")
	if len(nodes) > 0 && !peersGiven && self < 0 && truth(g, "bootstrap") {
		return clustering{}, fmt.Errorf("%s: %s does not name this node, whose node.id is %d; who begins a cluster is one of its voters: correct it, or leave bootstrap out to have the node join", from.Origin, votersSetting, own)
	}
	bind, origin, err := clusterEndpoint(g, nodes, self, l)
	if err != nil {
		return clustering{}, err
	}
	c := &Cluster{Bind: bind.binds(), Bootstrap: truth(g, "bootstrap"),
		Heartbeat: duration(g, "broker.heartbeat.interval.ms"), Session: duration(g, "broker.session.timeout.ms"),
		UncleanElections: truth(g, "unclean.leader.election.enable")}
	c.Balancer = Balancer{
		Enable: truth(g, "balancer.enable"), BytesPerSecond: whole(g, "balancer.max.bytes.per.second"),
		Interval: time.Duration(whole(g, "balancer.check.interval.seconds")) * time.Second,
	}
	if truth(g, "auto.leader.rebalance.enable") {
		c.PreferAfter = time.Duration(whole(g, "leader.imbalance.check.interval.seconds")) * time.Second
	}
	others := nodes
	if self >= 0 {
		c.Advertised = nodes[self].address.address()
		others = slices.Delete(slices.Clone(nodes), self, self+1)
	}
	for _, n := range others {
		if err := checkPeer(n, bind, origin, from); err != nil {
			return clustering{}, err
		}
		c.Peers = append(c.Peers, Peer{Node: n.node, Address: n.address.address()})
	}
	slices.SortFunc(c.Peers, func(a, b Peer) int { return cmp.Compare(a.Node, b.Node) })
	if c.TLS, err = clusterTLS(g); err != nil {
		return clustering{}, err
	}
	decided := clustering{cluster: c, warnings: clusterWarnings(c, bind, others, l)}
	if peersGiven && g.hasAny(votersSetting) {
		decided.ignored = addIgnored(decided.ignored, []Ignored{{Reason: votersReason, Names: []string{votersSetting}}})
	}
	if origin != controllerOrigin {
		decided.ignored = addIgnored(decided.ignored, controllersIgnored(l))
	}
	return decided, c.check()
}

// aloneIgnored are the settings that only a node among others looks at.
func aloneIgnored(g given, l listening) []Ignored {
	var names []string
	for _, name := range append([]string{"auto.leader.rebalance.enable",
		"balancer.check.interval.seconds", "balancer.enable", "balancer.max.bytes.per.second", "bootstrap", "broker.heartbeat.interval.ms", "broker.session.timeout.ms",
		"leader.imbalance.check.interval.seconds", votersSetting, "raft.addr", "unclean.leader.election.enable"}, tlsSettings[:]...) {
		if g.hasAny(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return controllersIgnored(l)
	}
	slices.Sort(names)
	return addIgnored([]Ignored{{Reason: aloneReason, Names: names}}, controllersIgnored(l))
}

func controllersIgnored(l listening) []Ignored {
	var names []string
	for _, e := range l.controllers {
		names = append(names, e.name)
	}
	if len(names) == 0 {
		return nil
	}
	return []Ignored{{Reason: controllerReason, Names: names}}
}

// heartbeatsPerSession is how many heartbeats a session has room for: one may be
// lost and one late.
const heartbeatsPerSession = 3

func (c *Cluster) check() error {
	if c.Session < heartbeatsPerSession*c.Heartbeat {
		return fmt.Errorf("broker.session.timeout.ms (%d) is below three times broker.heartbeat.interval.ms (%d); raise the one or lower the other",
			c.Session.Milliseconds(), c.Heartbeat.Milliseconds())
	}
	return nil
}
