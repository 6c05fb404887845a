//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chronik/chronik/interop/faults/plan"
)

const (
	// stayMax is how long the load goes on with the replicas that a move has come to.
	stayMax = 2 * time.Second
	// cancelMax is how long after it was asked for a move may be cancelled.
	cancelMax = time.Second
	// restoreMax is how long the end of a strike asks for all replicas again. Where it is in
	// vain, the end of all strikes asks once more.
	restoreMax = 10 * time.Second
	// electEvery is how often the first replicas are elected: other faults take the lead
	// from them again.
	electEvery = time.Second
)

// move gives the topic's partitions other replicas, one choice after the other, and asks
// for all again in the end. One in four choices is cancelled.
func (s *striker) move(ctx context.Context, b blow, bit *bite) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	within, cancel := context.WithDeadline(ctx, b.end)
	defer cancel()
	asked, done, cancelled := 0, 0, 0
	for within.Err() == nil {
		s.moved = true // whatever is answered
		if s.admin.Move(within, topic, choice(b.rng, s.damaged())) != nil {
			break
		}
		asked++
		if b.rng.IntN(4) == 0 {
			sleepUntil(within, time.Now().Add(time.Duration(b.rng.Int64N(int64(cancelMax)))))
			if s.admin.Move(within, topic, cancels()) == nil {
				cancelled++
			}
		}
		if s.admin.AwaitMoved(within, topic, partitions) == nil {
			done++
		}
		sleepUntil(within, time.Now().Add(time.Duration(b.rng.Int64N(int64(stayMax)))))
	}
	bit.felt, bit.what = asked > 0, fmt.Sprintf("%d moves asked for, %d cancelled, %d ended in time", asked, cancelled, done)
	restore, cancel := context.WithTimeout(ctx, restoreMax)
	defer cancel()
	if s.moved && s.admin.Move(restore, topic, everywhere(b.rng)) != nil {
		bit.what += "; nobody hears of the way back"
	}
	return nil
}

// choice is two or three replicas for each partition. Fewer could not write. Who has
// damaged files is the one that is left out: the others' copies are the last ones.
func choice(rng *rand.Rand, damaged int) map[int32][]int32 {
	to := everywhere(rng)
	for p := range int32(partitions) {
		nodes := to[p]
		out := nodes[len(nodes)-1]
		if damaged != 0 {
			out = int32(damaged)
		}
		if rng.IntN(3) > 0 {
			to[p] = slices.DeleteFunc(nodes, func(n int32) bool { return n == out })
		}
	}
	return to
}

// everywhere is all replicas for each partition, in any order.
func everywhere(rng *rand.Rand) map[int32][]int32 {
	to := map[int32][]int32{}
	for p := range int32(partitions) {
		for _, i := range rng.Perm(plan.Nodes) {
			to[p] = append(to[p], int32(i+1))
		}
	}
	return to
}

func cancels() map[int32][]int32 {
	to := map[int32][]int32{}
	for p := range int32(partitions) {
		to[p] = nil
	}
	return to
}

// bringBack asks for all replicas, where somebody may have moved them, and waits until all
// but those on nodes that are excused have come. Who calls it holds moving, or is the last.
func (s *striker) bringBack(ctx context.Context, rng *rand.Rand, excused ...int) error {
	if !s.moved {
		return nil
	}
	if err := s.admin.Move(ctx, topic, everywhere(rng)); err != nil {
		return err
	}
	return s.admin.AwaitMoved(ctx, topic, partitions, excused...)
}

// electFirst has the first replicas lead, again and again.
func (s *striker) electFirst(ctx context.Context, b blow, bit *bite) error {
	within, cancel := context.WithDeadline(ctx, b.end)
	defer cancel()
	asked, answered, elected := 0, 0, 0
	for within.Err() == nil {
		asked++
		if n, err := s.admin.ElectFirst(within, topic, partitions); err == nil {
			answered++
			elected += n
		}
		sleepUntil(within, time.Now().Add(electEvery))
	}
	bit.felt, bit.what = elected > 0, fmt.Sprintf("asked for %d times, answered %d times, %d first replicas elected", asked, answered, elected)
	return nil
}
