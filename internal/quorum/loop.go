package quorum

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

const (
	// tickInterval is a tick of raft's clock, where there is one.
	tickInterval = 50 * time.Millisecond
	// stepsQueuedMax bounds the messages that wait for the loop.
	stepsQueuedMax = 256
)

// snapshotLimits say when the log is long enough for a snapshot: a restart reads
// at most so much of it. They look at the log only, so that equal logs have
// snapshots at equal places.
type snapshotLimits struct {
	bytes, entries int
	// keep is how many entries below a snapshot stay, for followers.
	keep uint64
}

func defaultSnapshotLimits() snapshotLimits {
	return snapshotLimits{bytes: 4 << 20, entries: 10_000, keep: 1000}
}

// savedSnapshot is the end of writing a snapshot.
type savedSnapshot struct {
	*snapshot
	err error
}

// loop drives the core until ctx ends.
func (q *Quorum) loop(ctx context.Context, g *errgroup.Group) (err error) {
	defer q.clock.stop()
	defer func() {
		// Raft panics where its storage fails it.
		if p := recover(); p != nil {
			if q.store.err == nil {
				panic(p)
			}
			err = q.store.err
		}
	}()
	q.logger.Info("Raft cluster initialized", "voters", nodesOf(q.core.conf.GetVoters()), "node", q.o.Node,
		"index", q.store.lastIndex(), "snapshot", q.store.newest.index)
	if q.core.alone() {
		if err := q.core.node.Campaign(); err != nil {
			return fmt.Errorf("elect the only voter: %w", err)
		}
	}
	if q.core.caughtUp {
		q.publisher.offer(q.core.image, nil)
	}
	for ctx.Err() == nil {
		if err := q.settle(ctx, g); err != nil {
			if ctx.Err() != nil {
				return nil // the sync was given up, it has not failed
			}
			return err
		}
		if q.decide() {
			if err := q.poll(); err != nil {
				return err
			}
			continue
		}
		if err := q.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for the next event and gives it to the core. With one voter there
// are no others than commands and the end.
func (q *Quorum) wait(ctx context.Context) error {
	var commands chan *request
	if q.core.canDecide(q.store.lastIndex()) || q.core.refuses() {
		commands = q.commands
	}
	select {
	case <-ctx.Done():
	case r := <-commands:
		q.waiting = append(q.waiting, r)
	case step := <-q.steps:
		step(q.core)
		q.drainSteps()
	case <-q.clock.ticks(!q.core.alone()):
		q.core.node.Tick()
	case s := <-q.saved:
		return q.finishSnapshot(s)
	}
	return nil
}

// poll is wait without waiting, for while there are always commands.
func (q *Quorum) poll() error {
	q.drainSteps()
	select {
	case s := <-q.saved:
		return q.finishSnapshot(s)
	default:
		return nil
	}
}

// drainSteps takes what else has come, so that one sync serves it all.
func (q *Quorum) drainSteps() {
	for range stepsQueuedMax {
		select {
		case step := <-q.steps:
			step(q.core)
		default:
			return
		}
	}
}

// settle carries out what raft wants done, until it wants nothing.
func (q *Quorum) settle(ctx context.Context, g *errgroup.Group) error {
	for {
		rd, ok, err := q.core.ready()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := q.perform(ctx, rd); err != nil {
			return err
		}
		replies, err := q.core.advance(rd)
		if err != nil {
			return err
		}
		if q.core.caughtUp {
			q.publisher.offer(q.core.image, replies)
		}
	}
	q.maybeSnapshot(g)
	q.noteStatus()
	return nil
}

// perform is steps 1 to 4 of a Ready (package comment).
func (q *Quorum) perform(ctx context.Context, rd raft.Ready) error {
	if !raft.IsEmptyHardState(rd.HardState) {
		if err := q.store.saveState(rd.HardState); err != nil {
			return err
		}
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		if err := q.store.install(snapshotOf(rd.Snapshot)); err != nil {
			return err
		}
	}
	if len(rd.Entries) > 0 {
		if err := q.store.append(ctx, rd.Entries); err != nil {
			return err
		}
		q.core.stored(rd.Entries)
	}
	if len(rd.Messages) > 0 && q.o.Transport != nil {
		q.o.Transport.Send(rd.Messages)
	}
	return nil
}

// decide has the core decide what waits, or refuses it where another node leads.
// It reports whether there may be a Ready now.
func (q *Quorum) decide() bool {
	switch {
	case q.core.refuses():
		q.takeCommands()
		for _, r := range q.waiting {
			r.done <- answer{err: &NotLeaderError{Leader: q.core.leaderNode()}}
		}
		q.waiting = nil
		return false
	case !q.core.canDecide(q.store.lastIndex()):
		return false
	}
	q.takeCommands()
	requests := q.waiting
	if q.core.image.ClusterID == "" {
		requests = append([]*request{q.initCluster()}, requests...)
	}
	if len(requests) == 0 {
		return false
	}
	env := q.o.Env()
	env.Index = q.store.lastIndex() + 1
	if env.Now.IsZero() {
		env.Now = time.Now()
	}
	if env.NewID == nil {
		env.NewID = model.NewUUID
	}
	ready, left := q.core.decide(requests, env)
	q.waiting = left
	if len(ready) > 0 {
		q.publisher.offer(q.core.image, ready)
	}
	return true
}

// takeCommands takes what is queued without waiting.
func (q *Quorum) takeCommands() {
	for len(q.waiting) < commandsQueuedMax {
		select {
		case r := <-q.commands:
			q.waiting = append(q.waiting, r)
		default:
			return
		}
	}
}

// initCluster is the first leader's own command.
func (q *Quorum) initCluster() *request {
	id := q.o.ClusterID
	if id == "" {
		id = model.NewUUID().String()
	}
	return &request{ctx: context.Background(), command: controller.InitCluster{ID: id}, done: make(chan answer, 1)}
}

// maybeSnapshot begins to write a snapshot where the log has grown enough.
func (q *Quorum) maybeSnapshot(g *errgroup.Group) {
	c := q.core
	if q.saving || c.appliedBytes < q.snapshot.bytes && c.appliedEntries < q.snapshot.entries {
		return
	}
	q.saving = true
	image, s := c.image, c.snapshot()
	g.Go(func() error {
		s.data = meta.EncodeSnapshot(image)
		q.saved <- savedSnapshot{s, q.store.saveSnapshot(s)}
		return nil
	})
}

func (q *Quorum) finishSnapshot(s savedSnapshot) error {
	q.saving = false
	if s.err != nil {
		return s.err
	}
	keep := q.snapshot.keep
	if q.core.alone() {
		keep = 0
	}
	if err := q.store.compact(s.snapshot, keep); err != nil {
		return fmt.Errorf("compact the metadata log to %d: %w", s.index, err)
	}
	q.logger.Info("Metadata snapshot written", "index", s.index, "term", s.term, "bytes", len(s.data))
	return nil
}

// clock is a ticker that runs only while it is needed.
type clock struct{ ticker *time.Ticker }

func (c *clock) ticks(needed bool) <-chan time.Time {
	if !needed {
		c.stop()
		return nil
	}
	if c.ticker == nil {
		c.ticker = time.NewTicker(tickInterval)
	}
	return c.ticker.C
}

func (c *clock) stop() {
	if c.ticker != nil {
		c.ticker.Stop()
		c.ticker = nil
	}
}

func nodesOf(ids []uint64) []model.NodeID {
	nodes := make([]model.NodeID, len(ids))
	for i, id := range ids {
		nodes[i] = nodeOf(id)
	}
	return nodes
}
