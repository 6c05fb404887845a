//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/chronik/chronik/interop/faults/admin"
	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/plan"
)

// bite is what a strike did.
type bite struct {
	strike plan.Strike
	victim int
	felt   bool
	what   string
}

// String is a line of the report.
func (b bite) String() string {
	mark := "bit"
	if !b.felt {
		mark = "no bite"
	}
	whom := fmt.Sprint("node ", b.victim)
	if b.strike.Kind.Asks() {
		whom = "      "
	}
	return fmt.Sprintf("%5.1f s  %-17s %s  %s: %s", b.strike.Begin.Seconds(), b.strike.Kind, whom, mark, b.what)
}

// striker does to a cluster what a plan says. Strikes that overlap run in goroutines of
// their own.
type striker struct {
	target  cluster.Target
	cluster *cluster.Cluster
	admin   *admin.Admin
	// syncing is held, for each node, by a fault that has its disk's syncs fail, and by one
	// that needs them to succeed.
	syncing [plan.Nodes + 1]sync.Mutex
	// moving is held by who moves partitions, and by who damages a copy of them: the others
	// must be there, and stay.
	moving sync.Mutex
	moved  bool // once somebody has; under moving
	// voting is held by who takes votes on the metadata: two of three nodes always have one.
	// It is taken after moving.
	voting sync.Mutex

	mu     sync.Mutex
	bites  []bite
	err    error
	rotten int          // whose files were damaged; 0: nobody's
	ailing map[int]bool // whose disk has failed: it may end by itself
}

func newStriker(t cluster.Target, c *cluster.Cluster, a *admin.Admin) *striker {
	return &striker{target: t, cluster: c, admin: a, ailing: map[int]bool{}}
}

// run strikes until the plan is done, and all is healed.
func (s *striker) run(ctx context.Context, p plan.Plan, began time.Time) ([]bite, error) {
	var striking sync.WaitGroup
	for _, strike := range p.Strikes {
		if !sleepUntil(ctx, began.Add(strike.Begin)) {
			break
		}
		striking.Go(func() {
			b, err := s.strike(ctx, strike, began.Add(strike.End))
			s.mu.Lock()
			defer s.mu.Unlock()
			s.bites = append(s.bites, b)
			if err != nil {
				s.err = errors.Join(s.err, fmt.Errorf("%s: %w", strike.Kind, err))
			}
		})
	}
	striking.Wait()
	sleepUntil(ctx, began.Add(p.Length))
	return s.bites, errors.Join(s.err, ctx.Err())
}

// sleepUntil reports whether the time came before ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(t)):
		return true
	}
}

// blow is a strike at its victim.
type blow struct {
	plan.Strike
	node   *cluster.Node
	others []int // in order
	end    time.Time
	rng    *rand.Rand
}

// strike does one, and heals it.
func (s *striker) strike(ctx context.Context, strike plan.Strike, end time.Time) (bite, error) {
	victim := s.victim(ctx, strike)
	b := bite{strike: strike, victim: victim}
	err := s.way(strike.Kind)(ctx, blow{Strike: strike, node: s.cluster.Node(victim), others: plan.Others(victim), end: end, rng: rand.New(rand.NewPCG(strike.Seed, 0))}, &b)
	return b, err
}

// way is how a fault is done.
func (s *striker) way(kind plan.Kind) func(context.Context, blow, *bite) error {
	return map[plan.Kind]func(context.Context, blow, *bite) error{
		plan.KillOne: s.kill, plan.KillTwo: s.kill, plan.KillAll: s.kill, plan.Pause: s.pause,
		plan.Isolate: s.cut, plan.Unplug: s.cut, plan.OneWay: s.cut, plan.FromController: s.cut,
		plan.DiskFull: s.fillDisk, plan.SyncErrors: s.refuseSyncs, plan.PowerOne: s.losePower, plan.PowerAll: s.losePower,
		plan.BitFlips: s.damage, plan.Truncations: s.damage, plan.RollingRestart: s.rollingRestart,
		plan.Move: s.move, plan.ElectFirst: s.electFirst, plan.Votes: s.votes, plan.LostDisk: s.loseDisk,
	}[kind]
}

// victim finds out who has the role that a strike aims at.
func (s *striker) victim(ctx context.Context, strike plan.Strike) int {
	found, err := 0, error(nil)
	switch strike.Role {
	case plan.Any:
	case plan.Leader:
		found, err = s.admin.Leader(ctx, topic, 0)
	case plan.Controller:
		found, err = s.admin.Controller(ctx)
	}
	if found == 0 || err != nil {
		return strike.Victim
	}
	return found
}

// damaged is whose files were damaged; 0: nobody's.
func (s *striker) damaged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rotten
}

// unexpected looks for processes that ended by themselves, where no fault of their disk
// explains it.
func (s *striker) unexpected(res *result) {
	for _, n := range s.cluster.Nodes {
		ended := n.Ended()
		if len(ended) > 0 && !s.ailing[n.ID] {
			res.problem("node %d ended %d times by itself: %q; see its log", n.ID, len(ended), ended[0])
		}
	}
}
