package main

import (
	"fmt"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/interop/stress/crowd"
)

const (
	slowMany = 100
	slowRate = 1000
	// slowGiB is enough for every one of them to ask for more than sockets hold.
	slowGiB = 0.5
	// slowMiBGoal is how much memory a reader that stalls should cost a node at most.
	slowMiBGoal = 1
	// slowSilenceGoal is for how many seconds others may read nothing, and slowSilenceMax
	// what no busy machine excuses.
	slowSilenceGoal, slowSilenceMax = 1, 10
)

// slow is readers that take a little, and no more, while others go on.
func slow() scenario {
	return scenario{
		name: "slow",
		what: "100 consumers that ask for much, take 4 KiB and stall, while others go on",
		run: func(s *scene) error {
			for _, name := range []string{"old", "live"} {
				if err := s.create(topic{name: name, partitions: commonPartitions}); err != nil {
					return err
				}
			}
			if _, err := s.fill("old", min(s.gib, slowGiB)*gibi); err != nil {
				return err
			}
			plan := s.plan()
			plan.Mode, plan.Concurrency, plan.Rate = load.EndToEnd, commonPartitions, slowRate
			others := traffic{topic: "live", plan: plan}
			without, err := s.report("others, without them", others)
			if err != nil {
				return err
			}
			var stalled crowd.Crowd
			defer stalled.Close()
			n := s.of(slowMany)
			if err := s.stall(&stalled, n); err != nil {
				return err
			}
			what := fmt.Sprintf("others, with %d that stall", n)
			with, err := s.announce(what, others)
			if err != nil {
				return err
			}
			gone, err := stalled.Gone()
			if err != nil {
				return err
			}
			stalled.Close() // so that what is read back does not wait for them
			if err := s.conclude(what, &with); err != nil {
				return err
			}
			s.goOn(with.side(1))
			s.say("%d of %d were ended by the nodes meanwhile", gone, n)
			more := (with.usage.ResidentBytesMax - without.usage.ResidentBytesMax) / mebi
			s.goal("memory of a node for each that stalls", max(0, more)/float64(n), slowMiBGoal, " MiB")
			return nil
		},
	}
}

// stall has readers of all partitions stall.
func (s *scene) stall(stalled *crowd.Crowd, n int) error {
	return s.step(fmt.Sprintf("stall %d readers", n), func() error {
		known, err := s.view.Topic(s.ctx, 1, "old")
		if err != nil {
			return err
		}
		for i := range n {
			p := i % len(known)
			if err := stalled.Stall(s.ctx, s.cluster.Node(known[p].Leader).Addr, "old", int32(p)); err != nil {
				return fmt.Errorf("reader %d: %w", i, err)
			}
		}
		served, err := stalled.Take()
		s.say("%d of %d had something to read at once", served, n)
		return err
	})
}

// goOn demands that other consumers are not held up for good.
func (s *scene) goOn(others *result.Side) {
	longest, empty := 0, 0
	for _, second := range others.Over {
		empty++
		if second.Records > 0 {
			empty = 0
		}
		longest = max(longest, empty)
	}
	s.goal("others read nothing for", float64(longest), slowSilenceGoal, " s")
	if others.Records == 0 || longest > slowSilenceMax {
		s.breakPromise("other consumers read nothing for %d s of %d", longest, len(others.Over))
	}
}
