//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/faults/admin"
	"github.com/chronik/chronik/interop/faults/checker"
	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/history"
	"github.com/chronik/chronik/interop/faults/load"
	"github.com/chronik/chronik/interop/faults/mount"
	"github.com/chronik/chronik/interop/faults/plan"
)

const (
	topic      = "faults"
	partitions = 4
	// startMax is how long three nodes may take to form a cluster, a JVM each on a busy
	// machine.
	startMax = 2 * time.Minute
	// wholeMax is how long after the last fault everything must be in sync again.
	wholeMax = 60 * time.Second
)

// result is what a run came to.
type result struct {
	plan    plan.Plan
	bites   []bite
	verdict *checker.Verdict
	// problems are promises that no history tells of: a cluster that does not become whole, a
	// node that ends by itself.
	problems []string
	whole    time.Duration // from the last fault until everything was in sync
	leaders  int           // changes of leaders
	errors   map[string]int
	dir      string
}

// kept reports whether every promise was.
func (r *result) kept() bool { return r.verdict.OK() && len(r.problems) == 0 }

func (r *result) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (e *environment) dir(seed uint64) string {
	return filepath.Join(e.work, fmt.Sprintf("%s-seed-%d", e.target.Name(), seed))
}

// run does what a plan says. An error means that nothing was found out.
func (e *environment) run(ctx context.Context, p plan.Plan) (res *result, err error) {
	res = &result{plan: p, dir: e.dir(p.Seed)}
	for id := 1; id <= plan.Nodes; id++ {
		mount.Detach(cluster.DiskDir(res.dir, id)) // of an earlier run that was killed
	}
	if err := errors.Join(os.RemoveAll(res.dir), os.MkdirAll(res.dir, 0o755)); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(res.dir, "plan.txt"), []byte(p.String()), 0o644); err != nil {
		return nil, err
	}
	h, err := history.Create(filepath.Join(res.dir, "history.jsonl"))
	if err != nil {
		return nil, err
	}
	c, err := cluster.New(cluster.Options{Target: e.target, Nodes: plan.Nodes, Work: res.dir, Disk: e.disk})
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	defer func() { err = errors.Join(err, c.Close(), h.Close()) }()
	a, err := admin.New(c.Bootstrap())
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := form(ctx, c, a); err != nil {
		return nil, err
	}
	o := load.Options{Bootstrap: c.Bootstrap(), Topic: topic, Partitions: partitions, Group: "faults-group", History: h,
		Java: e.java, Log: filepath.Join(res.dir, "java.log")}
	if err := strikeUnderLoad(ctx, e, c, a, o, res); err != nil {
		return nil, err
	}
	res.verdict = checker.Check(h.Ops())
	res.errors = complaints(c)
	if !res.kept() {
		keepData(c, res)
		err = res.writeVerdict()
	}
	return res, err
}

// form starts the nodes, and waits until there is a topic that is in sync on all.
func form(ctx context.Context, c *cluster.Cluster, a *admin.Admin) error {
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	if err := c.Start(ctx); err != nil {
		return err
	}
	// Small segments, so that there are many: 1 MiB is the least that Kafka takes.
	err := a.CreateTopic(ctx, topic, partitions, map[string]string{"segment.bytes": "1048576", "min.insync.replicas": "2"})
	if err != nil {
		return err
	}
	if err := a.AwaitWhole(ctx); err != nil {
		return fmt.Errorf("the new cluster does not become whole: %w", err)
	}
	return nil
}

// strikeUnderLoad is a run's main part: from the first record to the last read.
func strikeUnderLoad(ctx context.Context, e *environment, c *cluster.Cluster, a *admin.Admin, o load.Options, res *result) error {
	clients, err := load.Start(ctx, o)
	if err != nil {
		return err
	}
	began := time.Now()
	w := watchLeaders(ctx, a)
	s := newStriker(e.target, c, a)
	res.bites, err = s.run(ctx, res.plan, began)
	healed := time.Now()
	if err == nil {
		err = s.awaitWhole(ctx, res)
		res.whole = time.Since(healed)
	}
	res.leaders = w.stop()
	if err = errors.Join(err, clients.Stop(), ctx.Err()); err != nil {
		return err
	}
	if err := s.removeRotten(ctx); err != nil {
		res.problem("without node %d, whose files were damaged, the others do not lead: %v", s.rotten, err)
	}
	ends, err := load.ReadAll(ctx, o)
	if err != nil {
		res.problem("the last read: %v", err)
	}
	for _, n := range c.Nodes {
		if n.ID == s.rotten {
			continue
		}
		if err := load.ReadReplica(ctx, o, n.ID, ends); err != nil {
			res.problem("%v", err)
		}
	}
	if e.target.StopsClean() {
		if err := c.StopAll(); err != nil {
			res.problem("%v", err)
		}
	}
	s.unexpected(res)
	return nil
}

// writeVerdict writes down what was found, beside the history.
func (r *result) writeVerdict() error {
	var text strings.Builder
	for _, kind := range checker.Kinds() {
		if n := r.verdict.Found[kind]; n > 0 {
			fmt.Fprintf(&text, "%d %s\n", n, kind)
		}
	}
	for _, a := range r.verdict.Anomalies {
		fmt.Fprintln(&text, a)
	}
	for _, p := range r.problems {
		fmt.Fprintln(&text, p)
	}
	return os.WriteFile(filepath.Join(r.dir, "verdict.txt"), []byte(text.String()), 0o644)
}

// keepData copies what is on the nodes' disks, which end with them.
func keepData(c *cluster.Cluster, res *result) {
	for _, n := range c.Nodes {
		to := filepath.Join(res.dir, fmt.Sprintf("node%d.data", n.ID))
		if err := os.CopyFS(to, os.DirFS(n.Dir())); err != nil {
			res.problem("keep the data of node %d: %v", n.ID, err)
		}
	}
}

// complaints counts the lines of the nodes' logs by which somebody is asked to act.
func complaints(c *cluster.Cluster) map[string]int {
	found := map[string]int{}
	for _, n := range c.Nodes {
		text, err := os.ReadFile(n.Log)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if what := complaint(line); what != "" {
				found[what]++
			}
		}
	}
	return found
}

// clear removes what a run has left: all of it, or the disks only.
func (e *environment) clear(seed uint64, keep bool) error {
	if !keep {
		return os.RemoveAll(e.dir(seed))
	}
	var err error
	for id := 1; id <= plan.Nodes; id++ {
		err = errors.Join(err, os.RemoveAll(cluster.NodeDir(e.dir(seed), id)))
	}
	return err
}

// awaitWhole waits until everything is where it was and in sync, but for what is on a node whose files were
// damaged: an operator has to decide about that.
func (s *striker) awaitWhole(ctx context.Context, res *result) error {
	whole, cancel := context.WithTimeout(ctx, wholeMax)
	defer cancel()
	var excused []int
	if s.rotten != 0 {
		excused = append(excused, s.rotten)
	}
	var err error
	if s.target.ChangesMembers() {
		err = s.giveVotes(whole)
	}
	if err == nil {
		err = s.bringBack(whole, rand.New(rand.NewPCG(res.plan.Seed, 1)), excused...)
	}
	if err == nil {
		err = s.admin.AwaitWhole(whole, excused...)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		res.problem("not whole %s after the last fault: %v", wholeMax, err)
	}
	return nil
}

// removeRotten takes the node away whose files were damaged, and waits for the others to
// lead: what is read last must not hang on it.
func (s *striker) removeRotten(ctx context.Context) error {
	if s.rotten == 0 {
		return nil
	}
	ending, err := s.cluster.Node(s.rotten).Signal(syscall.SIGKILL)
	if err != nil {
		return err
	}
	ending.Wait(killMax)
	ctx, cancel := context.WithTimeout(ctx, wholeMax)
	defer cancel()
	return s.admin.AwaitWhole(ctx, s.rotten)
}
