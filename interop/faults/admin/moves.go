package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Move asks for other replicas of a topic's partitions, and tries until ctx ends; nil
// cancels what is under way. Whether it has been done is for AwaitMoved to find out; a
// request that failed may have been heard, too.
func (a *Admin) Move(ctx context.Context, topic string, to map[int32][]int32) error {
	err := try(ctx, func(asked context.Context) error {
		answers, err := a.admin.AlterPartitionAssignments(asked, kadm.AlterPartitionAssignmentsReq{topic: to})
		if err != nil {
			return err
		}
		for _, answer := range answers.Sorted() {
			if answer.Err != nil && !errors.Is(answer.Err, kerr.NoReassignmentInProgress) {
				return fmt.Errorf("%s-%d: %w", topic, answer.Partition, answer.Err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("move %s: %w", topic, err)
	}
	return nil
}

// AwaitMoved waits until no partition of a topic gets other replicas any more, but for
// those that wait for nodes which are excused. Unlike what Partitions returns, this is
// what the controller knows.
func (a *Admin) AwaitMoved(ctx context.Context, topic string, partitions int32, excused ...int) error {
	set := all(topic, partitions)
	return try(ctx, func(asked context.Context) error {
		list, err := a.admin.ListPartitionReassignments(asked, set)
		if err != nil {
			return err
		}
		var moving []string
		for _, r := range list.Sorted() {
			adding := slices.DeleteFunc(numbers(r.AddingReplicas), func(n int) bool { return slices.Contains(excused, n) })
			if len(adding)+len(r.RemovingReplicas) > 0 {
				moving = append(moving, fmt.Sprintf("%s-%d: of %v, %v come and %v go", topic, r.Partition, r.Replicas, r.AddingReplicas, r.RemovingReplicas))
			}
		}
		if len(moving) > 0 {
			return errors.New("still moving: " + strings.Join(moving, "; "))
		}
		return nil
	})
}

// ElectFirst has the first replica of each of a topic's partitions lead, where it is in
// sync, and returns how many partitions have elected it.
func (a *Admin) ElectFirst(ctx context.Context, topic string, partitions int32) (elected int, err error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	results, err := a.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, all(topic, partitions))
	if err != nil {
		return 0, err
	}
	for _, r := range results[topic] {
		if r.Err == nil {
			elected++
		}
	}
	return elected, nil
}

// all names a topic's partitions: kadm takes no names for no question.
func all(topic string, partitions int32) kadm.TopicsSet {
	var set kadm.TopicsSet
	for p := range partitions {
		set.Add(topic, p)
	}
	return set
}
