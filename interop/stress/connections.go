package main

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/interop/process"
	"github.com/chronik/chronik/interop/stress/crowd"
)

const (
	connectionsMany = 10_000
	// restLength is how long nodes are watched while nobody asks anything.
	restLength = 5 * time.Second
	// crowded is the node that has all of them.
	crowded = 1
	// connectionBytesGoal is the most that one should cost a node.
	connectionBytesGoal = 32 << 10
)

// connections is many that do nothing, and one client that goes on.
func connections() scenario {
	return scenario{
		name:  "connections",
		what:  "10,000 idle connections to a node, and one client that goes on producing",
		files: func(o *options) int { return o.of(connectionsMany) },
		run: func(s *scene) error {
			if err := s.create(topic{name: "connections", partitions: commonPartitions}); err != nil {
				return err
			}
			one := traffic{topic: "connections", plan: s.plan()}
			if _, err := s.report("one client, without them", one); err != nil {
				return err
			}
			var idle crowd.Crowd
			defer idle.Close()
			n := s.of(connectionsMany)
			if err := s.gather(&idle, n); err != nil {
				return err
			}
			if _, err := s.report(fmt.Sprintf("one client, with %d connections", n), one); err != nil {
				return err
			}
			return s.stillThere(&idle, n)
		},
	}
}

// gather connects, and prints what that and the rest afterwards cost.
func (s *scene) gather(idle *crowd.Crowd, n int) error {
	node := s.cluster.Node(crowded)
	if err := s.rest("no connections"); err != nil {
		return err
	}
	before, err := process.ResidentBytes(node.PID())
	if err != nil {
		return err
	}
	err = s.step(fmt.Sprintf("connect %d times", n), func() error {
		for i := range n {
			if err := idle.Join(s.ctx, node.Addr); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.rest(fmt.Sprintf("%d connections", n)); err != nil {
		return err
	}
	after, err := process.ResidentBytes(node.PID())
	if err != nil {
		return err
	}
	s.goal("resident memory a connection", (after-before)/float64(n)/1024, connectionBytesGoal/1024, " KiB")
	return nil
}

// rest prints what all nodes need while nobody asks anything of them.
func (s *scene) rest(what string) error {
	if err := s.meter.Begin(); err != nil {
		return err
	}
	if err := s.step("rest", func() error { return s.wait(restLength) }); err != nil {
		return err
	}
	u, err := s.meter.Usage()
	if err != nil {
		return err
	}
	s.say("at rest, %s: %.0f ms of CPU a second, all nodes; RSS %s MiB", what, 1000*u.CPU.Seconds()/u.Took.Seconds(), number(u.ResidentBytesMax/mebi))
	return nil
}

// stillThere demands that every connection is, and is answered.
func (s *scene) stillThere(idle *crowd.Crowd, n int) error {
	answered := 0
	err := s.step("ask on each connection", func() (err error) {
		answered, err = idle.Ask(s.ctx)
		return err
	})
	s.say("%d of %d connections answer", answered, n)
	return err
}
