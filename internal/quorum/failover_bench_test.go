package quorum

import (
	"container/heap"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// How long three voters are without a leader that can decide, from the death of
// one that nobody is told of. In virtual time: a sync takes 2 ms and a message
// half of one; ticks of the nodes are not in phase.
func BenchmarkFailover(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		took = append(took, failover(b, uint64(len(took))))
	}
	slices.Sort(took)
	for _, p := range []struct {
		perMille int
		name     string
	}{{500, "p50-ms"}, {990, "p99-ms"}, {995, "p99.5-ms"}, {999, "p99.9-ms"}} {
		b.ReportMetric(float64(took[(len(took)-1)*p.perMille/1000].Milliseconds()), p.name)
	}
}

// Goal: a leader that falls silent is replaced in little more than a second, of virtual
// time. Nodes that count their ticks from the leader's last message call elections at the
// same moments, split the votes, and take three.
func TestASilentLeaderIsReplacedInTime(t *testing.T) {
	const runs, lateMax = 400, 12
	late := 0
	for seed := range uint64(runs) {
		if took := failover(t, seed); took > 2*electionTicks*TickInterval {
			late++
		}
	}
	if late > lateMax {
		t.Errorf("%d of %d took longer than %v", late, runs, 2*electionTicks*TickInterval)
	}
}

const (
	benchSync    = 2 * time.Millisecond
	benchMessage = time.Millisecond / 2
)

type timedNode struct {
	m     *Machine
	store *memoryStore
	busy  bool

	began time.Duration // of ticks
	wound bool          // the clock is set
	since uint64        // Machine.TicksAhead's, when it was
	winds int           // how often it was; what was set before counts no more
}

type timedEvent struct {
	at time.Duration
	do func()
}

// timeline is a heap of events.
type timeline []timedEvent

func (l timeline) Len() int           { return len(l) }
func (l timeline) Less(i, j int) bool { return l[i].at < l[j].at }
func (l timeline) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *timeline) Push(e any)        { *l = append(*l, e.(timedEvent)) }
func (l *timeline) Pop() any {
	e := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return e
}

type timedCluster struct {
	b      testing.TB
	now    time.Duration
	events timeline
	nodes  []*timedNode // nil: dead
}

func (c *timedCluster) after(d time.Duration, do func()) {
	heap.Push(&c.events, timedEvent{c.now + d, do})
}

// wind sets the clock of a node, as the loop does.
func (c *timedCluster) wind(id int) {
	n := c.nodes[id]
	if n == nil {
		return
	}
	ticks, since := n.m.TicksAhead()
	if n.wound && since == n.since {
		return
	}
	n.wound, n.since = true, since
	n.winds++
	count := n.winds
	c.after(time.Duration(ticks)*TickInterval-(c.now-n.began)%TickInterval, func() {
		if n != c.nodes[id] || n.winds != count {
			return
		}
		n.wound = false
		for range ticks {
			n.m.Tick()
		}
		c.wind(id)
		c.drive(id)
	})
}

// drive carries out a Ready, in the time that it takes.
func (c *timedCluster) drive(id int) {
	n := c.nodes[id]
	if n == nil || n.busy {
		return
	}
	c.wind(id)
	rd, err := n.m.Ready()
	if err != nil {
		c.b.Fatal(err)
	}
	if rd == nil {
		return
	}
	n.busy = true
	var syncs time.Duration
	for i := range rd.Steps {
		if rd.Steps[i].Kind != SendMessages {
			syncs += benchSync
		}
	}
	c.after(syncs, func() {
		for i := range rd.Steps {
			if err := rd.Steps[i].Perform(c.b.Context(), n.store, c.send); err != nil {
				c.b.Fatal(err)
			}
		}
		if _, err := n.m.Advance(rd); err != nil {
			c.b.Fatal(err)
		}
		n.busy = false
		c.drive(id)
	})
}

func (c *timedCluster) send(messages []*Message) {
	for _, m := range messages {
		to := int(NodeOf(m.GetTo()))
		c.after(benchMessage, func() {
			if n := c.nodes[to]; n != nil {
				_ = n.m.Step(m) // it may drop what it likes
				c.drive(to)
			}
		})
	}
}

// lead runs until a node can decide, and tells which.
func (c *timedCluster) lead() int {
	for {
		e := heap.Pop(&c.events).(timedEvent)
		c.now = e.at
		e.do()
		for id, n := range c.nodes {
			if n != nil && n.m.CanDecide() {
				return id
			}
		}
	}
}

func failover(b testing.TB, seed uint64) time.Duration {
	rng := rand.New(rand.NewPCG(seed, 6))
	c := &timedCluster{b: b}
	for id := range 3 {
		store := newMemoryStore(0, 1, 2)
		m, err := NewMachine(MachineOptions{Node: model.NodeID(id), Storage: store, Image: &meta.Image{Index: 1}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		c.nodes = append(c.nodes, &timedNode{m: m, store: store, began: -time.Duration(rng.Int64N(int64(TickInterval)))})
		c.wind(id)
	}
	for end := time.Second + time.Duration(rng.Int64N(int64(time.Second))); c.now < end; {
		c.lead()
	}
	leader := c.lead()
	c.nodes[leader] = nil
	died := c.now
	c.lead()
	return c.now - died
}
