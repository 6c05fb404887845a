package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/cluster"
)

// runSuites runs the suites against one broker, and then those that want three.
func runSuites(ctx context.Context, o options, t *tools, rep *checks.Report, list []suite) {
	begin := func(name string, b *broker) *suiteRun {
		suite := &checks.Suite{Ctx: ctx, Name: name, Report: rep}
		if b != nil {
			suite.Explain = b.gone
		}
		return &suiteRun{Suite: suite, tools: t, broker: b}
	}
	starts := func(name string, err error, began time.Time) {
		rep.Add(checks.Result{Suite: name, Check: "starts", Err: err, Took: time.Since(began)})
	}
	if alone := of(list, oneNode, stoppedNode); len(alone) > 0 {
		began := time.Now()
		if b, err := openBroker(ctx, o); err != nil {
			starts("broker", err, began)
		} else {
			runOnOne(b, alone, begin)
		}
	}
	several := of(list, threeNodes, ownNodes)
	if len(of(list, threeNodes)) == 0 {
		runOnThree(o, nil, several, begin)
		return
	}
	began := time.Now()
	c, err := openCluster(ctx, o, nil)
	if err != nil {
		starts("three nodes", err, began)
		return
	}
	defer c.Close(o.keep)
	runOnThree(o, c, several, begin)
	begin("three nodes", nil).stopsCleanly(c)
}

// inTurn runs suites two at a time: the JVMs of one wait for the broker about half of
// their time.
func inTurn(list []suite, run func(i int, s suite)) {
	turns := make(chan struct{}, 2)
	var running sync.WaitGroup
	for i, s := range list {
		turns <- struct{}{}
		running.Go(func() {
			defer func() { <-turns }()
			run(i, s)
		})
	}
	running.Wait()
}

func runOnOne(b *broker, list []suite, begin func(string, *broker) *suiteRun) {
	defer b.cleanUp()
	inTurn(of(list, oneNode), func(_ int, s suite) { s.run(begin(s.name, b)) })
	for _, s := range of(list, stoppedNode) {
		s.run(begin(s.name, b))
	}
	if b.owned {
		begin("broker", b).check("stops cleanly and logs no ERROR", func(c *check) {
			c.NoError(b.stop())
			c.NoError(b.complaints())
		})
	}
}

// openCluster starts three nodes as a user does, each with the flags for its id; nil: none.
func openCluster(ctx context.Context, o options, flags func(id int) []string) (*cluster.Cluster, error) {
	c, err := cluster.Chronik(o.server)
	if err != nil {
		return nil, err
	}
	for _, n := range c.Nodes {
		if flags != nil {
			n.Configure(flags(n.ID)...)
		}
	}
	if err := c.Start(ctx, 1, 2, 3); err != nil {
		return nil, errors.Join(err, c.Close(o.keep))
	}
	return c, nil
}

// runOnThree gives each suite another node of the cluster to begin with; those that start
// their own do not look at it.
func runOnThree(o options, c *cluster.Cluster, list []suite, begin func(string, *broker) *suiteRun) {
	id := newRunID()
	inTurn(list, func(i int, s suite) {
		b := &broker{brokers: cluster.Size, runID: id, options: o}
		suite := begin(s.name, b)
		if c != nil {
			b.addr, suite.Explain = c.Nodes[i%cluster.Size].Addr, c.Gone
		}
		s.run(suite)
	})
}

// stopsCleanly has all running nodes of a cluster stop, at the same time, as in Ctrl+C.
// Errors that have one of the texts expected are no complaints.
func (s *suiteRun) stopsCleanly(c *cluster.Cluster, expected ...string) {
	s.check("stop cleanly and log no ERROR", func(check *check) {
		running := slices.Clone(c.Running())
		for _, n := range running {
			check.NoError(n.Interrupt())
		}
		for _, n := range running {
			check.NoError(n.AwaitExit())
		}
		for _, n := range c.Nodes {
			check.NoError(complaintsOf(n.LogPath, expected...))
		}
	})
}
