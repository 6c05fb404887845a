package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/process"
)

const (
	// copies is how many replicas a partition has: one on each node.
	copies = cluster.Size
	// lookAgain is how exactly it is known when metadata says something: an answer for
	// 10,000 partitions takes a node some milliseconds.
	lookAgain = 50 * time.Millisecond
	// stepMax is far above what any step takes.
	stepMax = 10 * time.Minute
)

// scene is one cluster with its partitions, and what is known of them.
type scene struct {
	o       options
	out     io.Writer
	cluster *cluster.Cluster
	view    *cluster.View
	client  *kgo.Client
	admin   *kadm.Client
	acked   records
	empty   map[int]memory // by node, without partitions
	down    *cluster.Node  // killed, and not started again
}

func newScene(o options, out io.Writer) (*scene, error) {
	c, err := cluster.Chronik(o.server)
	if err != nil {
		return nil, err
	}
	s := &scene{o: o, out: out, cluster: c, acked: make(records)}
	if s.view, err = cluster.NewView(c); err != nil {
		return s, errors.Join(err, s.close())
	}
	s.client, err = kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// It looks for new leaders at once and often, so that what is measured is the nodes' time.
		kgo.MetadataMinAge(20*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.DialTimeout(time.Second))
	if err != nil {
		return s, errors.Join(err, s.close())
	}
	s.admin = kadm.NewClient(s.client)
	s.admin.SetTimeoutMillis(int32(stepMax.Milliseconds()))
	return s, nil
}

func (s *scene) close() error {
	if s.client != nil {
		s.client.Close()
	}
	if s.view != nil {
		s.view.Close()
	}
	if s.o.keep {
		fmt.Fprintln(s.out, "kept:", s.cluster.Dir)
	}
	return s.cluster.Close(s.o.keep)
}

// topicNames are those that are made.
func (s *scene) topicNames() []string {
	names := make([]string, s.o.topics)
	for i := range names {
		names[i] = fmt.Sprintf("many-%d", i)
	}
	return names
}

func (s *scene) count() int { return s.o.topics * s.o.partitions }

// start starts the nodes.
func (s *scene) start(ctx context.Context) error {
	return s.cluster.Start(ctx, 1, 2, 3)
}

// measured runs a step, and returns how long it took, and the processor time that the
// nodes that ran all the time used.
func (s *scene) measured(do func() error) (took, cpu time.Duration, err error) {
	const tick = time.Second / process.TicksPerSecond
	before := make(map[int]float64)
	for _, n := range s.cluster.Running() {
		if before[n.PID()], err = process.Ticks(n.PID()); err != nil {
			return 0, 0, err
		}
	}
	began := time.Now()
	if err := do(); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	for _, n := range s.cluster.Running() {
		ticks, err := process.Ticks(n.PID())
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(ticks-before[n.PID()]) * tick
	}
	return took, cpu, nil
}

// line prints a figure.
func (s *scene) line(what, format string, args ...any) {
	fmt.Fprintf(s.out, "%-58s %s\n", what, fmt.Sprintf(format, args...))
}

// timed measures a step and prints it.
func (s *scene) timed(what, goal string, do func() error) error {
	took, cpu, err := s.measured(do)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.line(what, "%8.2f s   nodes' CPU %6.2f s%s", took.Seconds(), cpu.Seconds(), ofGoal(goal))
	return nil
}

func ofGoal(goal string) string {
	if goal == "" {
		return ""
	}
	return "   goal: " + goal
}

// await looks until there is no error, and returns the last one where time is over.
func await(ctx context.Context, look func(context.Context) error) error {
	return cluster.Await(ctx, stepMax, lookAgain, look)
}

func wait(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
