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

// AwaitVoters waits until all of nodes have a vote on the metadata.
func (a *Admin) AwaitVoters(ctx context.Context, nodes ...int) error {
	return try(ctx, func(asked context.Context) error {
		p, err := a.quorum(asked)
		if err != nil {
			return err
		}
		var voters []int
		for i := range p.CurrentVoters {
			voters = append(voters, int(p.CurrentVoters[i].ReplicaID))
		}
		for _, n := range nodes {
			if !slices.Contains(voters, n) {
				return fmt.Errorf("node %d has no vote on the metadata: %v have", n, voters)
			}
		}
		return nil
	})
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

// TakeVote takes a node's vote on the metadata, and tries until ctx ends. A request that
// failed may have been heard.
func (a *Admin) TakeVote(ctx context.Context, node int) error {
	err := try(ctx, func(asked context.Context) error {
		r := kmsg.NewPtrRemoveRaftVoterRequest()
		r.VoterID = int32(node)
		answer, err := r.RequestWith(asked, a.client)
		if err != nil {
			return err
		}
		return unless(kerr.VoterNotFound, answer.ErrorCode, answer.ErrorMessage)
	})
	if err != nil {
		return fmt.Errorf("take the vote of node %d: %w", node, err)
	}
	return nil
}

// GiveVote gives a node a vote on the metadata, and tries until ctx ends: it may have to
// come, or to catch up, first.
func (a *Admin) GiveVote(ctx context.Context, node int) error {
	err := try(ctx, func(asked context.Context) error {
		r := kmsg.NewPtrAddRaftVoterRequest()
		r.VoterID, r.TimeoutMillis = int32(node), int32(askMax.Milliseconds())
		answer, err := r.RequestWith(asked, a.client)
		if err != nil {
			return err
		}
		return unless(kerr.DuplicateVoter, answer.ErrorCode, answer.ErrorMessage)
	})
	if err != nil {
		return fmt.Errorf("give node %d a vote: %w", node, err)
	}
	return nil
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
