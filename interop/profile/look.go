package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/interop/cluster"
)

// warmUp is how long the load goes on before anything is looked at.
const warmUp = 2 * time.Second

// oftenSampled has Go's runtime take a sample every 32 KiB that are allocated, in place of
// every 512: a node allocates little.
const oftenSampled = "GODEBUG=memprofilerate=32768"

// kinds are the profiles that are taken, in the order in which they are shown.
func kinds() []string { return []string{"cpu", "allocs", "block", "mutex"} }

// look runs a cluster under load, and looks at it in phases.
func look(ctx context.Context, o options) (found *found, err error) {
	c, err := cluster.Chronik(o.server, oftenSampled)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(false)) }()
	nodes, err := startNodes(ctx, c)
	if err != nil {
		return nil, err
	}
	t, err := startTraffic(ctx, c, o.shape)
	if err != nil {
		return nil, err
	}
	found, err = phases(ctx, o, nodes)
	return found, errors.Join(err, t.failed(), t.stop())
}

func phases(ctx context.Context, o options, nodes []node) (*found, error) {
	if err := wait(ctx, warmUp); err != nil {
		return nil, err
	}
	f := &found{reads: !o.shape.plan.Produces()}
	began := time.Now()
	var err error
	f.nodes, err = between(ctx, nodes, func() error { return wait(ctx, o.length) })
	f.took = time.Since(began)
	if err != nil {
		return nil, err
	}
	if err := profiles(ctx, o, nodes); err != nil {
		return nil, err
	}
	return f, f.calls.take(ctx, nodes, o.third())
}

// profiles takes those that are kept. Of what is allocated the runtime tells what it knew
// when it last collected, and so it is made to collect, before and after.
func profiles(ctx context.Context, o options, nodes []node) error {
	const collected = "heap?gc=1"
	for _, pages := range []map[string]string{
		{"allocs-before": collected},
		{"cpu": seconds("profile", o.length)},
		{"allocs-after": collected},
		{"block": seconds("block", o.third()), "mutex": seconds("mutex", o.third())},
	} {
		if err := profile(ctx, o, nodes, pages); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		file := func(kind string) string { return profileFile(o.dir, strconv.Itoa(n.id), kind) }
		if err := subtract(ctx, file("allocs-before"), file("allocs-after"), file("allocs")); err != nil {
			return err
		}
	}
	return nil
}

// third is how long is looked at what a third of the time is enough for.
func (o *options) third() time.Duration { return max(time.Second, o.length/3) }

func seconds(page string, length time.Duration) string {
	return fmt.Sprintf("%s?seconds=%d", page, int(length.Seconds()))
}

// profile takes pages from all nodes at once, and keeps them under the names given.
func profile(ctx context.Context, o options, nodes []node, pages map[string]string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range nodes {
		for name, page := range pages {
			g.Go(func() error {
				if err := n.keep(ctx, page, o.dir, name); err != nil {
					return fmt.Errorf("take a profile (%s) of node %d: %w", name, n.id, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// between is what each node counts while do runs.
func between(ctx context.Context, nodes []node, do func() error) ([]counters, error) {
	before, err := countAll(ctx, nodes)
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	after, err := countAll(ctx, nodes)
	if err != nil {
		return nil, err
	}
	for i := range after {
		after[i] = after[i].since(before[i])
	}
	return after, nil
}

func countAll(ctx context.Context, nodes []node) ([]counters, error) {
	all := make([]counters, len(nodes))
	g, ctx := errgroup.WithContext(ctx)
	for i, n := range nodes {
		g.Go(func() (err error) {
			all[i], err = n.count(ctx)
			return err
		})
	}
	return all, g.Wait()
}

func wait(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
