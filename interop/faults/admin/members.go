package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Controller returns who leads the metadata quorum.
func (a *Admin) Controller(ctx context.Context) (int, error) {
	p, err := a.quorum(ctx)
	if err != nil {
		return 0, err
	}
	return int(p.LeaderID), nil
}

// GiveVotes gives each of nodes a vote on the metadata that has none, and tries until all
// have one, or ctx ends: who is to get one may have to come, or to catch up, first, and who
// has one may lose it to a request that was given up before.
func (a *Admin) GiveVotes(ctx context.Context, nodes ...int) error {
	return try(ctx, func(asked context.Context) error {
		p, err := a.quorum(asked)
		if err != nil {
			return err
		}
		var without []int
		for _, n := range nodes {
			if !votes(p, n) {
				without = append(without, n)
				err = errors.Join(err, a.giveVote(asked, n))
			}
		}
		if err == nil && len(without) > 0 {
			p, err = a.quorum(asked)
			if err == nil && slices.ContainsFunc(without, func(n int) bool { return !votes(p, n) }) {
				err = errors.New("the votes that were given are not there")
			}
		}
		if err != nil {
			return fmt.Errorf("nodes %v have no vote on the metadata: %w", without, err)
		}
		return nil
	})
}

// votes reports whether a node has a vote.
func votes(p *kmsg.DescribeQuorumResponseTopicPartition, node int) bool {
	return slices.ContainsFunc(p.CurrentVoters, func(v kmsg.DescribeQuorumResponseTopicPartitionReplicaState) bool { return int(v.ReplicaID) == node })
}

// quorum is what the metadata quorum's leader says of it.
func (a *Admin) quorum(ctx context.Context) (*kmsg.DescribeQuorumResponseTopicPartition, error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	r := kmsg.NewPtrDescribeQuorumRequest()
	t, p := kmsg.NewDescribeQuorumRequestTopic(), kmsg.NewDescribeQuorumRequestTopicPartition()
	t.Topic = "__cluster_metadata"
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	answer, err := r.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return nil, err
	}
	for _, t := range answer.Topics {
		for i := range t.Partitions {
			if p := &t.Partitions[i]; p.ErrorCode == 0 && p.LeaderID > 0 {
				return p, nil
			}
		}
	}
	return nil, errors.New("nobody leads the metadata")
}

// TakeVote takes a node's vote on the metadata, and tries until it has none, or ctx ends. A
// request that failed may have been heard.
func (a *Admin) TakeVote(ctx context.Context, node int) error {
	err := try(ctx, func(asked context.Context) error {
		r := kmsg.NewPtrRemoveRaftVoterRequest()
		r.VoterID = int32(node)
		answer, err := r.RequestWith(asked, a.client)
		if err != nil {
			return err
		}
		if err := unless(kerr.VoterNotFound, answer.ErrorCode, answer.ErrorMessage); err != nil {
			return err
		}
		p, err := a.quorum(asked)
		if err == nil && votes(p, node) {
			err = errors.New("it has one again")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("take the vote of node %d: %w", node, err)
	}
	return nil
}

// giveVote asks once.
func (a *Admin) giveVote(ctx context.Context, node int) error {
	r := kmsg.NewPtrAddRaftVoterRequest()
	r.VoterID, r.TimeoutMillis = int32(node), int32(askMax.Milliseconds())
	answer, err := r.RequestWith(ctx, a.client)
	if err != nil {
		return err
	}
	return unless(kerr.DuplicateVoter, answer.ErrorCode, answer.ErrorMessage)
}

// unless is why something was refused; nil where it was not, or where that says that it is
// so already.
func unless(already error, code int16, why *string) error {
	err := kerr.ErrorForCode(code)
	switch {
	case errors.Is(err, already):
		return nil
	case err != nil && why != nil:
		return fmt.Errorf("%w: %s", err, *why)
	}
	return err
}
