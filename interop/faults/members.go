//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/plan"
)

// joinMax is how long a node with an empty disk may take to come back and have its vote
// again, before other strikes may move partitions or take votes. Where it is in vain, the end
// of all strikes asks once more.
const joinMax = 20 * time.Second

// votes takes the victim's vote on the metadata and gives it back, again and again. The
// other two keep theirs.
func (s *striker) votes(ctx context.Context, b blow, bit *bite) error {
	s.voting.Lock()
	defer s.voting.Unlock()
	within, cancel := context.WithDeadline(ctx, b.end)
	defer cancel()
	if s.giveVotes(within) != nil {
		bit.what = "another has no vote yet"
		return ctx.Err()
	}
	taken, given := 0, 0
	for within.Err() == nil {
		if s.admin.TakeVote(within, b.node.ID) == nil {
			taken++
		}
		sleepUntil(within, time.Now().Add(time.Duration(b.rng.Int64N(int64(stayMax)))))
		if s.giveVotes(within) == nil {
			given++
		}
		sleepUntil(within, time.Now().Add(time.Duration(b.rng.Int64N(int64(stayMax)))))
	}
	restore, cancel := context.WithTimeout(ctx, restoreMax)
	defer cancel()
	bit.felt, bit.what = taken > 0, fmt.Sprintf("taken %d times, given back %d times", taken, given)
	if s.giveVotes(restore) != nil {
		bit.what += "; then it has none"
	}
	return ctx.Err()
}

// giveVotes gives all their votes back, but for who has damaged files: it may not come.
func (s *striker) giveVotes(ctx context.Context) error {
	rotten := s.damaged()
	return s.admin.GiveVotes(ctx, slices.DeleteFunc(plan.All(), func(n int) bool { return n == rotten })...)
}

// loseDisk ends a node, empties its disk once nobody needs what is on it, and has it join
// again, as an operator replaces a disk that has failed.
func (s *striker) loseDisk(ctx context.Context, b blow, bit *bite) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	s.voting.Lock()
	defer s.voting.Unlock()
	if s.damaged() != 0 { // the others' copies are the last ones
		bit.what = "a node has damaged files"
		return nil
	}
	if _, err := killAll([]*cluster.Node{b.node}); err != nil {
		return err
	}
	emptied, err := s.emptySpare(ctx, b, bit)
	if err = errors.Join(err, b.node.Up()); err != nil || !emptied {
		return err
	}
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, joinMax)
	defer cancel()
	bit.felt, bit.what = true, "its disk is empty"
	if s.giveVotes(within) != nil || s.admin.AwaitInSync(within) != nil {
		bit.what += "; it is not back yet"
		return ctx.Err()
	}
	bit.what += fmt.Sprintf("; has its vote and all its partitions in sync after %.1f s", time.Since(began).Seconds())
	return nil
}

// emptySpare takes the vote of a node that is down, and empties its disk. A voter whose log
// is gone could vote against what it has promised.
func (s *striker) emptySpare(ctx context.Context, b blow, bit *bite) (emptied bool, err error) {
	out, cancel := context.WithTimeout(ctx, outMax)
	defer cancel()
	steps := []struct {
		do  func() error
		why string
	}{
		{func() error { return s.admin.GiveVotes(out, b.others...) }, "another has no vote"},
		{func() error { return s.bringBack(out, b.rng, b.node.ID) }, "the others lack replicas"},
		{func() error { return s.admin.TakeVote(out, b.node.ID) }, "it keeps its vote"},
		{func() error { return s.admin.AwaitOut(out, b.node.ID) }, "it stays in sync"},
	}
	for _, step := range steps {
		if step.do() != nil {
			bit.what = step.why
			return false, ctx.Err()
		}
	}
	s.syncing[b.node.ID].Lock()
	defer s.syncing[b.node.ID].Unlock()
	return true, b.node.Empty()
}
