//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/disk"
	"github.com/chronik/chronik/interop/faults/plan"
	"github.com/chronik/chronik/interop/faults/rot"
	"github.com/chronik/chronik/interop/nets"
)

const (
	// killMax is how long the kernel may take to end a process.
	killMax = 10 * time.Second
	// stopMax is how long a node may take to stop in order.
	stopMax = 20 * time.Second
	// outMax is how long the others may take to drop a node that is down from all in-sync
	// sets: Kafka misses it after nine seconds.
	outMax = 25 * time.Second
	// backMax is how long a rolling restart waits for a node to be back in sync, before it
	// goes on to the next.
	backMax = 15 * time.Second
	// fullLeft is how much space a full disk may have left.
	fullLeft = 256 << 10
)

// kill ends one process, two or three with SIGKILL, at the same time.
func (s *striker) kill(ctx context.Context, b blow, bit *bite) error {
	victims := s.several(b, map[plan.Kind]int{plan.KillOne: 1, plan.KillTwo: 2, plan.KillAll: 3}[b.Kind])
	killed, err := killAll(victims)
	bit.felt, bit.what = killed > 0, fmt.Sprintf("%d killed", killed)
	sleepUntil(ctx, b.end)
	return errors.Join(err, up(victims))
}

// several are the victim and those that follow it.
func (s *striker) several(b blow, n int) []*cluster.Node {
	nodes := []*cluster.Node{b.node}
	for _, other := range b.others[:n-1] {
		nodes = append(nodes, s.cluster.Node(other))
	}
	return nodes
}

// killAll kills nodes, waits for the ends of all, and counts those that had a process.
func killAll(nodes []*cluster.Node) (killed int, err error) {
	var endings []*cluster.Ending
	for _, n := range nodes {
		e, failed := n.Signal(syscall.SIGKILL)
		if err = errors.Join(err, failed); failed == nil {
			endings = append(endings, e)
		}
	}
	for _, e := range endings {
		if e.Wait(killMax); e.Was() {
			killed++
		}
	}
	return killed, err
}

func up(nodes []*cluster.Node) error {
	var err error
	for _, n := range nodes {
		err = errors.Join(err, n.Up())
	}
	return err
}

// pause stops a process with SIGSTOP, and has it go on.
func (s *striker) pause(ctx context.Context, b blow, bit *bite) error {
	began := time.Now()
	stopped, err := b.node.Pause()
	sleepUntil(ctx, b.end)
	bit.felt, bit.what = stopped, fmt.Sprintf("stood still for %.1f s", time.Since(began).Seconds())
	return errors.Join(err, b.node.Resume())
}

// cut drops packets.
func (s *striker) cut(ctx context.Context, b blow, bit *bite) error {
	var links []nets.Link
	switch victim := b.node.ID; b.Kind {
	case plan.Isolate:
		links = nets.Between([]int{victim}, b.others)
	case plan.Unplug:
		links = s.cluster.Unplug(victim)
	case plan.OneWay:
		out := b.rng.IntN(2) == 0
		for _, other := range b.others {
			if out {
				links = append(links, nets.Link{From: victim, To: other})
			} else {
				links = append(links, nets.Link{From: other, To: victim})
			}
		}
		bit.what = map[bool]string{true: "nothing gets out, ", false: "nothing gets in, "}[out]
	default:
		controller, err := s.admin.Controller(ctx)
		if err != nil || controller == victim {
			controller = b.others[0]
		}
		links = nets.Both(victim, controller)
		bit.what = fmt.Sprintf("from node %d, ", controller)
	}
	before, err := s.cluster.Dropped()
	if err != nil {
		return err
	}
	heal, err := s.cluster.Cut(links)
	sleepUntil(ctx, b.end)
	err = errors.Join(err, heal())
	after, failed := s.cluster.Dropped()
	bit.felt, bit.what = after > before, fmt.Sprintf("%s%d packets dropped", bit.what, after-before)
	return errors.Join(err, failed)
}

// fillDisk leaves hardly any space. Whoever makes room again starts the server anew, too.
func (s *striker) fillDisk(ctx context.Context, b blow, bit *bite) error {
	s.ails(b.node.ID)
	left := b.rng.Int64N(fullLeft)
	before, err := b.node.Felt()
	if err = errors.Join(err, b.node.Fill(left)); err != nil {
		return err
	}
	sleepUntil(ctx, b.end)
	after, err := b.node.Felt()
	refused := after.NoSpace - before.NoSpace
	bit.felt, bit.what = refused > 0, fmt.Sprintf("%d bytes left, %d times no space", left, refused)
	if err = errors.Join(err, b.node.Fill(-1)); err != nil {
		return err
	}
	_, err = killAll([]*cluster.Node{b.node})
	return errors.Join(err, b.node.Up())
}

// ails notes that a node's disk has failed.
func (s *striker) ails(node int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ailing[node] = true
}

// refuseSyncs has syncs fail, and takes the power in the end: what a failed sync has left
// in the page cache is not on the disk, whatever the server thinks.
func (s *striker) refuseSyncs(ctx context.Context, b blow, bit *bite) error {
	s.syncing[b.node.ID].Lock()
	defer s.syncing[b.node.ID].Unlock()
	s.ails(b.node.ID)
	before, err := b.node.Felt()
	if err = errors.Join(err, b.node.RefuseSyncs(true)); err != nil {
		return err
	}
	sleepUntil(ctx, b.end)
	after, err := b.node.Felt()
	if err != nil {
		return err
	}
	failed := after.Unsynced - before.Unsynced
	if _, err := killAll([]*cluster.Node{b.node}); err != nil {
		return err
	}
	loss, err := b.node.LosePower(b.Seed)
	bit.felt, bit.what = failed > 0, fmt.Sprintf("%d syncs failed; %s", failed, lost(loss))
	return errors.Join(err, b.node.RefuseSyncs(false), b.node.Up())
}

func lost(l disk.Loss) string {
	return fmt.Sprintf("%d bytes of %d files and %d operations on names lost", l.Bytes, l.Files, l.Names)
}

// losePower unplugs one node or all, ends them, and takes what they had not synced.
// Nobody hears of the end of a machine without power.
func (s *striker) losePower(ctx context.Context, b blow, bit *bite) error {
	victims := s.several(b, map[plan.Kind]int{plan.PowerOne: 1, plan.PowerAll: 3}[b.Kind])
	var links []nets.Link
	for _, n := range victims {
		links = append(links, s.cluster.Unplug(n.ID)...)
	}
	heal, err := s.cluster.Cut(links)
	_, failed := killAll(victims)
	if err = errors.Join(err, failed); err != nil {
		return errors.Join(err, heal())
	}
	var sum disk.Loss
	for i, n := range victims {
		loss, failed := n.LosePower(b.Seed + uint64(i))
		err = errors.Join(err, failed)
		sum.Names, sum.Files, sum.Bytes = sum.Names+loss.Names, sum.Files+loss.Files, sum.Bytes+loss.Bytes
	}
	bit.felt, bit.what = sum != disk.Loss{}, lost(sum)
	sleepUntil(ctx, b.end)
	return errors.Join(err, heal(), up(victims))
}

// damage damages files of a node that is down, once it is in no in-sync set: then the
// others hold all that was acknowledged.
func (s *striker) damage(ctx context.Context, b blow, bit *bite) error {
	err := s.damageSpare(ctx, b, bit)
	if bit.felt {
		sleepUntil(ctx, b.end)
	}
	return errors.Join(err, b.node.Up())
}

// damageSpare ends a node, and damages its files once nobody needs them. Who moves
// partitions leaves the others alone from then on.
func (s *striker) damageSpare(ctx context.Context, b blow, bit *bite) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	if _, err := killAll([]*cluster.Node{b.node}); err != nil {
		return err
	}
	out, cancel := context.WithTimeout(ctx, outMax)
	defer cancel()
	if err := s.bringBack(out, b.rng, b.node.ID); err != nil {
		bit.what = "the others lack replicas"
		return ctx.Err()
	}
	if err := s.admin.AwaitOut(out, b.node.ID); err != nil {
		bit.what = "it stays in sync"
		return ctx.Err()
	}
	do := rot.FlipBits
	if b.Kind == plan.Truncations {
		do = rot.Truncate
	}
	s.syncing[b.node.ID].Lock()
	done, err := do(b.node.Dir(), b.Seed)
	s.syncing[b.node.ID].Unlock()
	if len(done) > 0 {
		s.ails(b.node.ID)
		s.mu.Lock()
		s.rotten = b.node.ID
		s.mu.Unlock()
		bit.felt, bit.what = true, fmt.Sprint(done)
	}
	return err
}

// rollingRestart stops and starts one node after the other, as an operator does.
func (s *striker) rollingRestart(ctx context.Context, b blow, bit *bite) error {
	var codes []int
	back := 0
	for _, n := range s.several(b, plan.Nodes) {
		ending, err := n.Signal(syscall.SIGTERM)
		if err != nil {
			return err
		}
		if stopped := ending.Wait(stopMax); stopped.InTime {
			codes = append(codes, stopped.Code)
		}
		if err := n.Up(); err != nil {
			return err
		}
		in, cancel := context.WithTimeout(ctx, backMax)
		if s.admin.AwaitInSync(in) == nil {
			back++
		}
		cancel()
	}
	bit.felt, bit.what = len(codes) > 0, fmt.Sprintf("%d of %d stopped in time, with exit codes %d; all in sync again %d times", len(codes), plan.Nodes, codes, back)
	sleepUntil(ctx, b.end)
	return nil
}
