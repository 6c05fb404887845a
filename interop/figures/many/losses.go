package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/interop/cluster"
)

// led are the partitions that each node leads, by what one of them says. It may have been
// started anew since it was asked, and is asked again.
func (s *scene) led(ctx context.Context) (map[int][]place, error) {
	by := make(map[int][]place)
	for _, topic := range s.topicNames() {
		var partitions []cluster.Partition
		err := await(ctx, func(ctx context.Context) (err error) {
			partitions, err = s.view.Topic(ctx, s.cluster.Running()[0].ID, topic)
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, p := range partitions {
			by[p.Leader] = append(by[p.Leader], place{topic, int32(i)})
		}
	}
	return by, nil
}

// victim says whether the controller or another node is killed.
type victim string

const (
	anyNode        victim = "that is not the controller"
	controllerNode victim = "that is the controller"
)

// kill ends a node with SIGKILL, of those meant the one that leads the most, and waits
// until others lead all that it led: by what a node says, and by a record to each.
func (s *scene) kill(who victim) func(context.Context) error {
	return func(ctx context.Context) error {
		controller, err := s.view.AwaitController(ctx, 1, 2, 3)
		if err != nil {
			return err
		}
		led, err := s.led(ctx)
		if err != nil {
			return err
		}
		var chosen *cluster.Node
		for _, n := range s.cluster.Nodes {
			if (n.ID == controller) == (who == controllerNode) && (chosen == nil || len(led[n.ID]) > len(led[chosen.ID])) {
				chosen = n
			}
		}
		return s.killed(ctx, chosen, who, led[chosen.ID])
	}
}

func (s *scene) killed(ctx context.Context, n *cluster.Node, who victim, led []place) error {
	began := time.Now()
	if err := n.Kill(); err != nil {
		return err
	}
	s.down = n
	var moved, written time.Duration
	_, cpu, err := s.measured(func() error {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error {
			err := s.awaitOthers(ctx, n.ID)
			moved = time.Since(began)
			return err
		})
		g.Go(func() error {
			err := s.produce(ctx, led)
			written = time.Since(began)
			return err
		})
		return g.Wait()
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("kill -9 of a node %s, and leads %d:", who, len(led))
	s.line(what, "")
	s.line("  others lead them, by metadata", "%8.2f s%s", moved.Seconds(), ofGoal("2 s"))
	s.line("  a record to each is acknowledged", "%8.2f s   nodes' CPU %6.2f s", written.Seconds(), cpu.Seconds())
	return nil
}

// awaitOthers waits until a node that runs says that others lead all partitions.
func (s *scene) awaitOthers(ctx context.Context, than int) error {
	node := s.cluster.Running()[0].ID
	for _, topic := range s.topicNames() {
		err := await(ctx, func(ctx context.Context) error {
			partitions, err := s.view.Topic(ctx, node, topic)
			if err != nil {
				return err
			}
			for i, p := range partitions {
				if p.Leader < 1 || p.Leader == than {
					return fmt.Errorf("%s-%d is led by %d", topic, i, p.Leader)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// restart starts the node that was killed, and waits until it is in sync everywhere.
func (s *scene) restart(ctx context.Context) error {
	n := s.down
	s.down = nil
	other := s.cluster.Running()[0].ID
	if err := s.timed("  started again: listens", "", func() error { return s.cluster.Start(ctx, n.ID) }); err != nil {
		return err
	}
	return s.timed("  then in all in-sync sets again", "", func() error { return s.awaitWhole(ctx, other) })
}

// stopInOrder stops a node as Ctrl+C does, and starts it again.
func (s *scene) stopInOrder(ctx context.Context) error {
	led, err := s.led(ctx)
	if err != nil {
		return err
	}
	n := s.cluster.Nodes[0]
	for _, other := range s.cluster.Nodes {
		if len(led[other.ID]) > len(led[n.ID]) {
			n = other
		}
	}
	s.line(fmt.Sprintf("stop in order of a node that leads %d:", len(led[n.ID])), "")
	var gone time.Duration
	g, gctx := errgroup.WithContext(ctx)
	began := time.Now()
	g.Go(func() error {
		err := s.produce(gctx, led[n.ID])
		gone = time.Since(began)
		return err
	})
	took, err := n.Stop()
	if err != nil {
		return err
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.line("  has handed over, closed its logs and is gone", "%8.2f s", took.Seconds())
	s.line("  a record to each meanwhile is acknowledged", "%8.2f s", gone.Seconds())
	s.down = n
	return s.restart(ctx)
}
