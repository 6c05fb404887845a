package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// loadNode is load for the command raft-cluster.
func (u user) loadNode(t testing.TB) (*Config, error) {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := NewClusterFlags(set)
	if err := set.Parse(u.args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, Surroundings{Environ: u.environ, Hostname: func() (string, error) { return "box", nil }})
}

// cluster is what a user's words make of the node, with the timing that nothing sets.
func cluster(bootstrap bool, bind []string, peers ...Peer) *Cluster {
	return &Cluster{Bind: bind, Peers: peers, Bootstrap: bootstrap, Heartbeat: 400 * time.Millisecond, Session: 1800 * time.Millisecond, PreferAfter: 5 * time.Minute,
		Balancer: Balancer{Interval: 5 * time.Minute, BytesPerSecond: 20 << 20}}
}

func TestCommandRaftClusterMakesANodeOfACluster(t *testing.T) {
	f := func(want *Cluster, warning string, args ...string) {
		t.Helper()
		c, err := user{args: args}.loadNode(t)
		if err != nil {
			t.Errorf("%q: %v", args, err)
			return
		}
		if !reflect.DeepEqual(c.Cluster, want) {
			t.Errorf("%q:\ngot  %+v\nwant %+v", args, c.Cluster, want)
		}
		if (warning == "") != (len(c.Warnings) == 0) || warning != "" && !strings.HasPrefix(c.Warnings[0], warning) {
			t.Errorf("%q: warnings %q, want %q", args, c.Warnings, warning)
		}
	}
	others := []Peer{{2, "localhost:9193"}, {3, "localhost:9194"}}
	loopback := []string{"127.0.0.1:9192", "[::1]:9192"}
	open := "the cluster port 0.0.0.0:9192 is open to the network without TLS: whoever reaches it can read and change everything; set cluster.ssl.certificate.file, "
	f(cluster(true, []string{"0.0.0.0:9192"}, others...), open, "--node-id", "1", "--advertised-addr", "localhost", "--kafka-port", "9092",
		"--raft-addr", "0.0.0.0:9192", "--peers", "2@localhost:9193,3@localhost:9194", "--bootstrap")
	f(cluster(false, loopback, others...), "", "--node-id=1", "--peers=3@localhost:9194, 2@localhost:9193")
	named := cluster(false, loopback, others...)
	named.Advertised = "localhost:9192"
	f(named, "", "--node-id=1", "--peers=1@localhost:9192,2@localhost:9193,3@localhost:9194")
	f(cluster(false, []string{"10.0.0.1:9192"}, Peer{2, "10.0.0.2:9192"}), "", "--node-id=1", "--advertised-addr=a.example",
		"--raft-addr=10.0.0.1:9192", "--peers=2@10.0.0.2:9192")
	f(cluster(false, []string{"10.0.0.1:9192"}, Peer{2, "10.0.0.2:9192"}),
		"node 2@10.0.0.2:9192 is on another machine, and clients of listener PLAINTEXT are told to find this one at localhost",
		"--node-id=1", "--raft-addr=10.0.0.1:9192", "--peers=2@10.0.0.2:9192")
	f(cluster(true, loopback), "", "--node-id=1", "--bootstrap") // a cluster of one, to grow later
}

func TestPeersMakeAClusterWithoutTheCommand(t *testing.T) {
	two := cluster(false, []string{"127.0.0.1:9192", "[::1]:9192"}, Peer{2, "localhost:9193"})
	if c := mustLoad(t, user{environ: []string{"CHRONIK_PEERS=2@localhost:9193", "CHRONIK_NODE_ID=1"}}); !reflect.DeepEqual(c.Cluster, two) {
		t.Errorf("peers in the environment: %+v, want %+v", c.Cluster, two)
	}
	c := mustLoad(t, user{file: "peers=2@localhost:9193\nnode.id=1\ncontroller.quorum.voters=7@x:1,8@x:2\n"})
	if !reflect.DeepEqual(c.Cluster, two) {
		t.Errorf("peers in the file: %+v, want %+v", c.Cluster, two)
	}
	if want := []Ignored{{votersReason, []string{votersSetting}}}; !reflect.DeepEqual(c.Ignored, want) {
		t.Errorf("ignored %+v, want %+v", c.Ignored, want)
	}
}

// TestKafkasClusterFileMakesACluster: its controllers' listener is the port of the
// cluster, and the voters are its nodes.
func TestKafkasClusterFileMakesACluster(t *testing.T) {
	const file = "process.roles=broker,controller\nnode.id=2\ncontroller.quorum.voters=1@a:9093,2@b:9093,3@c:9093\n" +
		"listeners=PLAINTEXT://:9092,CONTROLLER://10.0.0.2:9093\nadvertised.listeners=PLAINTEXT://b:9092\n" +
		"controller.listener.names=CONTROLLER\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
	c := mustLoad(t, user{file: file})
	want := cluster(false, []string{"10.0.0.2:9093"}, Peer{1, "a:9093"}, Peer{3, "c:9093"})
	want.Advertised = "b:9093"
	if !reflect.DeepEqual(c.Cluster, want) || len(c.Listeners) != 1 || len(c.Warnings) != 0 || len(c.Ignored) != 0 {
		t.Errorf("cluster %+v, want %+v; listeners %+v, warnings %q, ignored %+v", c.Cluster, want, c.Listeners, c.Warnings, c.Ignored)
	}
	c = mustLoad(t, user{file: file, args: []string{"-o", "raft.addr=10.0.0.2:7"}})
	if !slices.Equal(c.Cluster.Bind, []string{"10.0.0.2:7"}) || len(c.Ignored) != 1 || c.Ignored[0].Reason != controllerReason {
		t.Errorf("with raft.addr: %+v, ignored %+v", c.Cluster, c.Ignored)
	}
	c = mustLoad(t, user{file: "node.id=2\ncontroller.quorum.voters=1@localhost:9093,2@localhost:9094\n"})
	if !slices.Equal(c.Cluster.Bind, []string{"127.0.0.1:9094", "[::1]:9094"}) {
		t.Errorf("without controllers' listener: %+v", c.Cluster)
	}
}

func TestSingleNodeIgnoresWhatOnlyAClusterLooksAt(t *testing.T) {
	c := mustLoad(t, user{file: "node.id=1\ncontroller.quorum.voters=1@localhost:9093\nraft.addr=0.0.0.0:1\nbroker.session.timeout.ms=1\n"})
	want := []Ignored{{aloneReason, []string{"broker.session.timeout.ms", votersSetting, "raft.addr"}}}
	if c.Cluster != nil || !reflect.DeepEqual(c.Ignored, want) || len(c.Warnings) != 0 {
		t.Errorf("cluster %+v, warnings %q, ignored %+v, want %+v", c.Cluster, c.Warnings, c.Ignored, want)
	}
}

func TestTopicsHaveThreeReplicasOrAsManyAsThereAreNodes(t *testing.T) {
	f := func(file string, want int16, static string) {
		t.Helper()
		c := mustLoad(t, user{file: "node.id=1\n" + file})
		if got := c.Static["default.replication.factor"]; c.Topics.DefaultReplicationFactor != want || got != static {
			t.Errorf("%q: %d replicas, shown as %q; want %d, %q", file, c.Topics.DefaultReplicationFactor, got, want, static)
		}
	}
	f("", 1, "")
	f("bootstrap=true\npeers=2@localhost:2\n", 2, "2")
	f("peers=2@localhost:2\n", 3, "3") // a node that joins need not name all
	f("peers=2@localhost:2,3@localhost:3\n", 3, "3")
	f("peers=2@localhost:2,3@localhost:3,4@localhost:4,5@localhost:5\n", 3, "3")
	f("peers=2@localhost:2,3@localhost:3\ndefault.replication.factor=1\n", 1, "1")
}

func TestNodesKnowEachOtherByCertificates(t *testing.T) {
	c := mustLoad(t, user{file: "node.id=1\npeers=2@b:1\nadvertised.addr=a\nraft.addr=:9192\ncluster.ssl.certificate.file=c.pem\ncluster.ssl.key.file=k.pem\ncluster.ssl.ca.file=a.pem\n"})
	if want := (&ClusterTLS{CertificateFile: "c.pem", KeyFile: "k.pem", CAFile: "a.pem"}); !reflect.DeepEqual(c.Cluster.TLS, want) || len(c.Warnings) != 0 {
		t.Errorf("TLS %+v, want %+v; warnings %q", c.Cluster.TLS, want, c.Warnings)
	}
}

func TestClustersThatCannotWorkAreRefusedInASentence(t *testing.T) {
	f := func(file, want string) {
		t.Helper()
		_, err := user{file: file}.load(t)
		if err == nil {
			t.Errorf("%q was accepted, want: %s", file, want)
		} else if err.Error() != want {
			t.Errorf("error %q\nwant  %q", err, want)
		}
	}
	const at = "server.properties:1: peers: "
	f("peers=b:1\nnode.id=1\n", at+`"b:1" is not of the form id@host:port`)
	f("peers=2@b\nnode.id=1\n", at+`"2@b" is not of the form id@host:port`)
	f("peers=-2@b:1\nnode.id=1\n", at+`"-2@b:1": "-2" is not the id of a node, which is a number from 0 to 2147483647`)
	f("peers=2@b:x\nnode.id=1\n", at+`"2@b:x": "x" is not a port, which is a number from 0 to 65535`)
	f("peers=2@b:0\nnode.id=1\n", at+`"2@b:0": nobody can connect to port 0; name the port of that node's raft.addr`)
	f("peers=2@0.0.0.0:1\nnode.id=1\n", at+`"2@0.0.0.0:1": nobody can connect to "0.0.0.0"; name a host or address that this node reaches`)
	f("peers=2@b:1,2@c:1\nnode.id=1\n", at+"node 2 is named twice, as 2@b:1 and 2@c:1; each node has an id of its own")
	f("peers=2@b:1,3@b:1\nnode.id=1\n", at+"2@b:1 and 3@b:1 have the same address; each node has one of its own")
	f("peers=2@localhost:9193\n", "a node of a cluster needs a number that no other has: set --node-id (node.id)")
	f("peers=2@localhost:9192\nnode.id=1\n", "server.properties:1: 2@localhost:9192 is the address of this node's own cluster port (raft.addr, localhost:9192); on one machine each node needs a port of its own")
	f("peers=2@b:9192\nnode.id=1\n", "server.properties:1: node 2@b:9192 is on another machine, which cannot reach this one at localhost:9192; set --raft-addr to an address that it reaches, such as 0.0.0.0:9192")
	f("peers=2@b:1\nnode.id=1\nraft.addr=9192\n", `server.properties:3: raft.addr: "9192" is not of the form host:port`)
	f("peers=2@b:1\nnode.id=1\nraft.addr=:9092\n", "the cluster port :9092 (raft.addr) and listener PLAINTEXT share port 9092; give each a port of its own with --raft-addr or --kafka-port")
	f("controller.quorum.voters=1@b:1,2@c:1\nnode.id=3\nbootstrap=true\n", "server.properties:1: controller.quorum.voters does not name this node, whose node.id is 3; who begins a cluster is one of its voters: correct it, or leave bootstrap out to have the node join")
	f("peers=2@b:1\nnode.id=1\nraft.addr=:1\ncluster.ssl.key.file=k\ncluster.ssl.ca.file=a\n",
		"cluster.ssl.certificate.file is missing; cluster.ssl.certificate.file, cluster.ssl.key.file, cluster.ssl.ca.file are given together, or none of them")
	f("peers=2@b:1\nnode.id=1\nraft.addr=:1\nbroker.heartbeat.interval.ms=601\n",
		"broker.session.timeout.ms (1800) is below three times broker.heartbeat.interval.ms (601); raise the one or lower the other")
}

func FuzzPeers(f *testing.F) {
	for _, seed := range []string{"1@localhost:9192,2@[::1]:9193", "2@b:1, 3@c:1", "@:", "1@@x:1", ",", "1@x:1,1@x:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		nodes, err := parseNodeAddresses("peers", text)
		if err != nil {
			return
		}
		for _, n := range nodes {
			again, err := parseNodeAddress(n.String())
			if err != nil || again != n {
				t.Fatalf("%+v, written %s, read again %+v, %v", n, n, again, err)
			}
		}
	})
}
