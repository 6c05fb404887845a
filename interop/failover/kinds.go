package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik/chronik/interop/cluster"
)

const (
	// pauseLength is how long a paused node is paused, or one without a network has none.
	pauseLength = 5 * time.Second
	// deadLength is how long a killed node is left dead: longer than any session or
	// lease of chronik's, so that what follows of its death follows.
	deadLength = 2500 * time.Millisecond
)

// kind is a way in which a node is struck.
type kind struct {
	name string
	// leads: the node leads the partitions. controls: it is the controller.
	leads, controls bool
	// writes: how long no topic can be created is measured too.
	writes bool
	// silent: connections stay open while nothing answers, so that a client may wait
	// for its request's timeout.
	silent bool
	// orderly: the node is told to stop, and started again at once, which is the strike.
	orderly bool
	// cuts: the nodes have networks of their own, which takes root.
	cuts bool
	// partitions are as many as the topic has, though clients write to a few; 0: no others.
	partitions int
	// replicas are as many as a partition has; 0: one on each node.
	replicas int
	// reordered: another replica leads than the first.
	reordered bool
	// strike returns when it is done, and heal when the node is on its way back.
	strike func(context.Context, *trial, *cluster.Node) error
	heal   func(ctx context.Context, r *run, struck time.Time, n *cluster.Node) error
	goal   string // of the gap, or where writes are measured and the node does not lead, of those
}

func kinds() []kind {
	return []kind{
		// What the machine alone holds clients up for.
		{name: "nothing", leads: true, orderly: true, strike: func(context.Context, *trial, *cluster.Node) error { return nil },
			heal: func(ctx context.Context, _ *run, struck time.Time, _ *cluster.Node) error {
				return wait(ctx, struck, deadLength)
			}},
		{name: "leader killed", leads: true, strike: kill, heal: start, goal: "p50 ≤ 500, p99 ≤ 1000"},
		{name: "controller killed", controls: true, writes: true, strike: kill, heal: start, goal: "≤ 1000"},
		{name: "both killed", leads: true, controls: true, writes: true, strike: kill, heal: start, goal: "≤ 2000"},
		{name: "leader paused", leads: true, silent: true, strike: pause, heal: resume, goal: "≤ 3000"},
		// Clients reach it, the other nodes do not.
		{name: "leader cut off", leads: true, cuts: true, strike: cut, heal: mend, goal: "≤ 3000"},
		{name: "leader restarted", leads: true, orderly: true, strike: restart, heal: atOnce, goal: "≤ 100"},
		{name: "both restarted", leads: true, controls: true, orderly: true, strike: restart, heal: atOnce, goal: "≤ 100"},
		// Of one node that is back many leaders come back at once.
		{name: "leaders handed back", leads: true, orderly: true, partitions: 50, reordered: true, strike: electFirst, heal: atOnce, goal: "≤ 100"},
		{name: "partitions moved", leads: true, orderly: true, partitions: 10, replicas: 2, strike: moveAway, heal: atOnce, goal: "≤ 100"},
	}
}

// wait returns when as much time has passed since a moment, or with the context's error.
func wait(ctx context.Context, since time.Time, length time.Duration) error {
	select {
	case <-time.After(length - time.Since(since)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func kill(_ context.Context, _ *trial, n *cluster.Node) error { return n.Kill() }

func start(ctx context.Context, _ *run, struck time.Time, n *cluster.Node) error {
	return errors.Join(wait(ctx, struck, deadLength), n.Start())
}

func pause(_ context.Context, _ *trial, n *cluster.Node) error { return n.Pause() }

func resume(ctx context.Context, _ *run, struck time.Time, n *cluster.Node) error {
	return errors.Join(wait(ctx, struck, pauseLength), n.Resume())
}

func cut(_ context.Context, t *trial, n *cluster.Node) error { return t.network.cutOff(n.ID) }

func mend(ctx context.Context, r *run, struck time.Time, _ *cluster.Node) error {
	return errors.Join(wait(ctx, struck, pauseLength), r.network.mend())
}

func restart(_ context.Context, _ *trial, n *cluster.Node) error {
	if _, err := n.Stop(); err != nil {
		return err
	}
	return n.Start()
}

func atOnce(context.Context, *run, time.Time, *cluster.Node) error { return nil }

// electFirst has the first replicas lead.
func electFirst(ctx context.Context, t *trial, _ *cluster.Node) error {
	set := kadm.TopicsSet{}
	for p := range t.partitions() {
		set.Add(t.topic, int32(p))
	}
	elected, err := t.janitor.ElectLeaders(ctx, kadm.ElectPreferredReplica, set)
	for _, p := range elected[t.topic] {
		if p.Err != nil {
			err = errors.Join(err, fmt.Errorf("partition %d: %w: %s", p.Partition, p.Err, p.ErrMessage))
		}
	}
	return err
}

// moveAway moves what the node has to the one that has nothing, and waits for the end of it.
func moveAway(ctx context.Context, t *trial, n *cluster.Node) error {
	goes := slices.Index(t.order, n.ID)
	if err := t.janitor.reassign(ctx, t.topic, t.partitions(), append([]int{t.order[len(t.order)-1]}, slices.Delete(slices.Clone(t.order[:t.replicas()]), goes, goes+1)...)); err != nil {
		return err
	}
	return t.janitor.awaitMoved(ctx, t.topic, t.partitions())
}
