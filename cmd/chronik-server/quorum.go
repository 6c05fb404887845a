package main

import (
	"crypto/tls"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/bench/access"
	"github.com/chronik/chronik/internal/membership/remote"
	"github.com/chronik/chronik/internal/model"
)

const quorumDescription = `quorum shows and changes which nodes are of a running cluster. A node that joins, which it
does when it is started with an empty --data-dir, without --bootstrap, and with --peers that
name any member, is a broker without a vote. add-controller gives it one, remove-controller
takes it, and unregister-broker has the cluster forget a node that holds no partitions.

A majority of those who vote has to be there for anything to be decided: three or five are
what a cluster needs. kafka-metadata-quorum and kafka-cluster do the same.`

const quorumExamples = `  # who votes, and how far they are
  chronik-server quorum describe --bootstrap-servers localhost:9092

  # node 4 takes the place of node 3, whose partitions have been moved
  chronik-server quorum add-controller --controller-id 4
  chronik-server quorum remove-controller --controller-id 3
  chronik-server quorum unregister-broker --id 3

  # node 3 has lost its disk, and comes back under the same id
  chronik-server quorum remove-controller --controller-id 3
  chronik-server --node-id 3 --data-dir ./data/new3 raft-cluster --raft-addr localhost:9194 --peers 1@localhost:9192
  chronik-server quorum add-controller --controller-id 3`

// quorumFlags are how the cluster is reached, and which node is meant.
type quorumFlags struct {
	servers       []string
	commandConfig string
	node          int32
}

func newQuorumCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "quorum",
		Short:   "Show and change the nodes of a running cluster",
		Long:    quorumDescription,
		Example: quorumExamples,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newQuorumStep("describe", "Show who votes on the metadata, and who learns it", "", "",
		func(cmd *cobra.Command, cluster *remote.Cluster, _ model.NodeID) error {
			return cluster.Describe(cmd.Context(), cmd.OutOrStdout())
		}))
	c.AddCommand(newQuorumStep("add-controller", "Give a node a vote", "controller-id", "votes",
		func(cmd *cobra.Command, cluster *remote.Cluster, node model.NodeID) error {
			return cluster.AddVoter(cmd.Context(), node)
		}))
	c.AddCommand(newQuorumStep("remove-controller", "Take a node's vote; it stays as a broker", "controller-id", "has no vote any more",
		func(cmd *cobra.Command, cluster *remote.Cluster, node model.NodeID) error {
			return cluster.RemoveVoter(cmd.Context(), node)
		}))
	c.AddCommand(newQuorumStep("unregister-broker", "Have the cluster forget a node without partitions", "id", "is not of the cluster any more",
		func(cmd *cobra.Command, cluster *remote.Cluster, node model.NodeID) error {
			return cluster.Unregister(cmd.Context(), node)
		}))
	return c
}

// newQuorumStep makes one of the commands; id names the flag that says which node is meant, "":
// none does. done is what that node is afterwards.
func newQuorumStep(use, short, id, done string, step func(*cobra.Command, *remote.Cluster, model.NodeID) error) *cobra.Command {
	q := new(quorumFlags)
	c := &cobra.Command{Use: use, Short: short, Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error {
		if id != "" && q.node < 0 {
			return &usageError{fmt.Errorf("--%s is missing: the node.id of the node that is meant", id)}
		}
		cluster, err := q.open()
		if err != nil {
			return err
		}
		defer cluster.Close()
		if err := step(cmd, cluster, model.NodeID(q.node)); err != nil || id == "" {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "Node %d %s.\n", q.node, done)
		return err
	}}
	f := c.Flags()
	f.StringSliceVar(&q.servers, "bootstrap-servers", []string{"localhost:9092"}, "`host:port,...` of brokers")
	f.StringVar(&q.commandConfig, "command-config", "", "`file` of Kafka's client settings, for TLS")
	if id != "" {
		f.Int32Var(&q.node, id, -1, "`node.id` of the node that is meant")
	}
	return c
}

func (q *quorumFlags) open() (*remote.Cluster, error) {
	var secured *tls.Config
	if q.commandConfig != "" {
		var err error
		if secured, err = access.Load(q.commandConfig); err != nil {
			return nil, fmt.Errorf("--command-config: %w", err)
		}
	}
	cluster, err := remote.Open(q.servers, secured)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--bootstrap-servers: %w", err)}
	}
	return cluster, nil
}
