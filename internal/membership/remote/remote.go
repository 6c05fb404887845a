// Package remote shows and changes which nodes are of a running cluster, from outside, by
// Kafka's protocol: for chronik-server quorum. It starts no goroutine of its own.
package remote

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
)

// changeMax bounds a change: a node that gets a vote may have to catch up first.
const changeMax = 30 * time.Second

// Cluster is one that is reached over the network. Close ends it.
type Cluster struct{ client *kgo.Client }

// Open returns a Cluster that is reached at servers, by TLS where secured is not nil. It
// connects when it has something to ask.
func Open(servers []string, secured *tls.Config) (*Cluster, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(servers...), kgo.RetryTimeout(changeMax)}
	if secured != nil {
		opts = append(opts, kgo.DialTLSConfig(secured))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &Cluster{client}, nil
}

// Close closes all connections.
func (c *Cluster) Close() { c.client.Close() }

// AddVoter gives a node a vote on the metadata.
func (c *Cluster) AddVoter(ctx context.Context, node model.NodeID) error {
	ask := kmsg.NewPtrAddRaftVoterRequest()
	ask.VoterID, ask.TimeoutMillis = int32(node), int32(changeMax.Milliseconds())
	answer, err := ask.RequestWith(ctx, c.client)
	if err != nil {
		return err
	}
	return refusal(answer.ErrorCode, answer.ErrorMessage)
}

// RemoveVoter takes a node's vote.
func (c *Cluster) RemoveVoter(ctx context.Context, node model.NodeID) error {
	ask := kmsg.NewPtrRemoveRaftVoterRequest()
	ask.VoterID = int32(node)
	answer, err := ask.RequestWith(ctx, c.client)
	if err != nil {
		return err
	}
	return refusal(answer.ErrorCode, answer.ErrorMessage)
}

// Unregister has the cluster forget a node.
func (c *Cluster) Unregister(ctx context.Context, node model.NodeID) error {
	ask := kmsg.NewPtrUnregisterBrokerRequest()
	ask.BrokerID = int32(node)
	answer, err := ask.RequestWith(ctx, c.client)
	if err != nil {
		return err
	}
	return refusal(answer.ErrorCode, answer.ErrorMessage)
}

// refusal is why something was not done; nil where it was.
func refusal(code int16, why *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && why != nil {
		return errors.New(*why)
	}
	return err
}

// Describe writes a table of who votes on the metadata, and who learns it.
func (c *Cluster) Describe(ctx context.Context, out io.Writer) error {
	ask := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	ask.Topics = append(ask.Topics, topic)
	answer, err := ask.RequestWith(ctx, c.client)
	switch {
	case err != nil:
		return err
	case answer.ErrorCode != 0:
		return refusal(answer.ErrorCode, answer.ErrorMessage)
	case len(answer.Topics) == 0 || len(answer.Topics[0].Partitions) == 0:
		return errors.New("the cluster has not said who votes")
	}
	p := &answer.Topics[0].Partitions[0]
	if err := refusal(p.ErrorCode, p.ErrorMessage); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	row(t, "NODE", "ROLE", "LOG END", "LAG", "DIRECTORY")
	for i := range p.CurrentVoters {
		replica(t, p, &p.CurrentVoters[i], "voter")
	}
	for i := range p.Observers {
		replica(t, p, &p.Observers[i], "learner")
	}
	return t.Flush()
}

func replica(t io.Writer, p *kmsg.DescribeQuorumResponseTopicPartition, r *kmsg.DescribeQuorumResponseTopicPartitionReplicaState, role string) {
	if r.ReplicaID == p.LeaderID {
		role = "leader"
	}
	end, lag := "unknown", "unknown"
	if r.LogEndOffset >= 0 {
		end, lag = strconv.FormatInt(r.LogEndOffset, 10), strconv.FormatInt(max(p.HighWatermark-r.LogEndOffset, 0), 10)
	}
	row(t, strconv.Itoa(int(r.ReplicaID)), role, end, lag, base64.RawURLEncoding.EncodeToString(r.ReplicaDirectoryID[:]))
}

// row writes to a tabwriter, which keeps an error for Flush.
func row(t io.Writer, node, role, end, lag, directory string) {
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", node, role, end, lag, directory) //nolint:errcheck // Flush tells
}
