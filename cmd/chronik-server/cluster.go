package main

import (
	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/config"
)

const clusterDescription = `raft-cluster runs one node of a cluster. Each of its first nodes names the others with
--peers, and is reached by them at --raft-addr. --bootstrap begins a new cluster where the
data directory is empty, and does nothing once there is data: the same command line
starts a node again. chronik-server's own flags may stand before the command, too.

A node with an empty data directory and without --bootstrap joins the cluster of the nodes
in --peers, of which one that is there suffices. It has no vote on the metadata; "chronik-server
quorum" gives it one, and has nodes leave. --peers may name the node itself: that is
where the others are told to connect to.

Where nothing sets default.replication.factor, a topic has three replicas, or as
many as there are nodes; any one node may then die without a loss.

The cluster port lets in whoever reaches it, unless cluster.ssl.certificate.file,
cluster.ssl.key.file and cluster.ssl.ca.file are set. Keep it in a network that
you trust. "chronik-server dev" runs a whole cluster on one machine.`

const clusterExamples = `  # three nodes on one machine, each in a terminal of its own
  chronik-server --node-id 1 --advertised-addr localhost --kafka-port 9092 --data-dir ./data/node1 \
    raft-cluster --raft-addr 0.0.0.0:9192 --peers "2@localhost:9193,3@localhost:9194" --bootstrap
  chronik-server --node-id 2 --advertised-addr localhost --kafka-port 9093 --data-dir ./data/node2 \
    raft-cluster --raft-addr 0.0.0.0:9193 --peers "1@localhost:9192,3@localhost:9194" --bootstrap
  chronik-server --node-id 3 --advertised-addr localhost --kafka-port 9094 --data-dir ./data/node3 \
    raft-cluster --raft-addr 0.0.0.0:9194 --peers "1@localhost:9192,2@localhost:9193" --bootstrap

  # a fourth node joins them
  chronik-server --node-id 4 --advertised-addr localhost --kafka-port 9095 --data-dir ./data/node4 \
    raft-cluster --raft-addr 0.0.0.0:9195 --peers "1@localhost:9192"

  # the first of three machines, in a network of their own
  chronik-server --node-id 1 --advertised-addr a.example --data-dir /var/lib/chronik \
    raft-cluster --raft-addr 10.0.0.1:9192 --peers "2@10.0.0.2:9192,3@10.0.0.3:9192" --bootstrap`

func newClusterCommand(build newNode) *cobra.Command {
	c := &cobra.Command{
		Use:     "raft-cluster",
		Short:   "Run one node of a cluster",
		Long:    clusterDescription,
		Example: clusterExamples,
		Args:    noArguments,
	}
	c.Flags().SortFlags = false
	// The root's flags are all here: cobra hands a command those before its name, too.
	flags := config.NewClusterFlags(c.Flags())
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		return serve(cmd.Context(), flags, cmd.ErrOrStderr(), build)
	}
	complete(c)
	return c
}
