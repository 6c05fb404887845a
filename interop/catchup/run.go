package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/chronik/chronik/interop/cluster"
)

// run is a cluster, with what writes to it.
type run struct {
	ctx context.Context
	out io.Writer
	c   *cluster.Cluster
	v   *cluster.View
	w   *writer
}

// steps goes through it, and prints what the client has seen in each.
func (r *run) steps(bytes int64) error {
	if err := r.watch("three nodes in sync", phase); err != nil {
		return err
	}
	node := r.c.Node(absent)
	if _, err := node.Stop(); err != nil {
		return err
	}
	if err := r.watch("one is away", phase); err != nil {
		return err
	}
	began := time.Now()
	if err := r.w.fill(r.ctx, bytes); err != nil {
		return err
	}
	r.say("one is away, and the other two are written to: %s", rate(bytes, time.Since(began)))
	if err := r.catchUp(node, bytes); err != nil {
		return err
	}
	if err := r.watch("three nodes in sync", phase); err != nil {
		return err
	}
	return r.standStill(node)
}

func (r *run) catchUp(node *cluster.Node, bytes int64) error {
	r.w.forget()
	began := time.Now()
	if err := node.Start(); err != nil {
		return err
	}
	for _, topic := range []string{live, bulk} {
		if err := r.awaitWhole(topic); err != nil {
			return err
		}
		if topic == live {
			r.say("it is back, and in sync where little was written after %.1f s", time.Since(began).Seconds())
		}
	}
	r.say("it has caught up: %s", rate(bytes, time.Since(began)))
	return nil
}

// awaitWhole asks a node that was there all the time, for as long as it takes.
func (r *run) awaitWhole(topic string) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		partitions, err := r.v.Topic(r.ctx, 1, topic)
		if err == nil && cluster.Whole(partitions) == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-r.ctx.Done():
			return fmt.Errorf("topic %s: %w", topic, r.ctx.Err())
		}
	}
}

func (r *run) standStill(node *cluster.Node) error {
	r.w.forget()
	if err := node.Pause(); err != nil {
		return err
	}
	err := r.wait(stillLength)
	r.say("one stands still for %s, as a process that is stopped does", stillLength)
	if resumed := node.Resume(); err == nil {
		err = resumed
	}
	if err != nil {
		return err
	}
	return r.awaitWhole(live)
}

func (r *run) watch(what string, length time.Duration) error {
	r.w.forget()
	err := r.wait(length)
	r.say("%s", what)
	return err
}

func (r *run) wait(length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// say prints a line, with what the client has waited since the last.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.out, "%-78s %s\n", fmt.Sprintf(format, args...), r.w.forget())
}

func rate(bytes int64, took time.Duration) string {
	return fmt.Sprintf("%.1f GiB in %.1f s, %.0f MB/s", float64(bytes)/(1<<30), took.Seconds(), float64(bytes)/1e6/took.Seconds())
}
