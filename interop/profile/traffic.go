package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/target"
	"github.com/chronik/chronik/interop/cluster"
)

const (
	topic = "profile"
	// fillLength is how long is written what is read afterwards.
	fillLength = 3 * time.Second
	// lengthMax is longer than any run: traffic ends when it is told to.
	lengthMax = time.Hour
)

// traffic is a cluster's clients, at work.
type traffic struct {
	target *target.Target
	reach  []kgo.Opt
	early  chan struct{} // closed to end it
	ended  chan error
}

// startTraffic makes the topic, fills it where it is to be read, and starts the load.
func startTraffic(ctx context.Context, c *cluster.Cluster, s shape) (*traffic, error) {
	t := &traffic{reach: []kgo.Opt{kgo.SeedBrokers(c.Addrs()...)}, early: make(chan struct{}), ended: make(chan error, 1)}
	var err error
	t.target, err = target.Open(ctx, t.reach, target.Spec{
		Servers: c.Bootstrap(), Topic: topic, Partitions: s.partitions, Replication: cluster.Size, Create: true,
	})
	if err != nil {
		return nil, err
	}
	if !s.plan.Produces() {
		filling := flood(s.plan.Shape.Size)
		filling.Duration = fillLength
		if err := t.once(ctx, filling, nil); err != nil {
			t.target.Close()
			return nil, fmt.Errorf("fill the topic: %w", err)
		}
	}
	s.plan.Duration = lengthMax
	go func() { t.ended <- t.run(ctx, s.plan) }()
	return t, nil
}

// run goes on until early is closed: what has been read to its end is read again.
func (t *traffic) run(ctx context.Context, p load.Plan) error {
	for {
		if err := t.once(ctx, p, t.early); err != nil || p.Produces() {
			return err
		}
		select {
		case <-t.early:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
}

func (t *traffic) once(ctx context.Context, p load.Plan, early <-chan struct{}) error {
	if err := p.Check(); err != nil {
		return err
	}
	starts, err := t.target.Starts(ctx)
	if err != nil {
		return err
	}
	ends, err := t.target.Ends(ctx)
	if err != nil {
		return err
	}
	out, err := load.Run(ctx, load.Options{
		Plan: p, Client: t.reach, Topic: topic, Run: rand.Uint64(), Starts: starts, Ends: ends, Early: early,
	})
	if err != nil {
		return err
	}
	for _, side := range out.Sides {
		if len(side.Errors) > 0 {
			return fmt.Errorf("the cluster has refused records (%v): what it cost would be of failures as well", side.Errors)
		}
	}
	return nil
}

// stop ends the load, and waits for it.
func (t *traffic) stop() error {
	defer t.target.Close()
	close(t.early)
	return <-t.ended
}

// failed is why the load has ended by itself, or nil.
func (t *traffic) failed() error {
	select {
	case err := <-t.ended:
		t.ended <- nil // for stop
		return errors.Join(errors.New("the load has ended early"), err)
	default:
		return nil
	}
}
