package sim

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// cluster is everything of one run: nodes, network, clients, checkers.
type cluster struct {
	w        *world
	net      *network
	nodes    []*node
	checkers *checkers
	stats    Stats
	plan     *plan

	topics  []string // one partition each
	relaxed []bool   // by partition: flush.messages lets it acknowledge unsynced data

	producers []*producer
	consumers []*consumer

	timing         timing
	snapshots      quorum.SnapshotLimits
	pace           time.Duration
	requestTimeout time.Duration
	slowReads      float64
	seesDeath      bool

	// newest is the newest image that any node has published.
	newest *meta.Image
	// crashAfter is how many boundaries a node has left before it crashes; 0: none.
	crashAfter []int
	// proposed are the in-sync sets that leaders have proposed of late, by partition.
	proposed [][]proposal
	healing  bool // faults are over
	// throttled: somebody has asked for a throttle.
	throttled bool
}

// timing is a broker's, with the relations that production has.
type timing struct {
	heartbeat, lease, lag time.Duration
	supervisor            controller.Timing
}

func defaultTiming() timing {
	return timing{
		heartbeat: 250 * time.Millisecond, lease: 1500 * time.Millisecond, lag: 2 * time.Second,
		supervisor: controller.Timing{Session: 2 * time.Second, Retry: 500 * time.Millisecond, Unclean: 500 * time.Millisecond},
	}
}

func newCluster(w *world, pl *plan) *cluster {
	c := &cluster{
		w: w, plan: pl,
		timing: defaultTiming(), snapshots: quorum.SnapshotLimits{Bytes: 1 << 30, Entries: pl.snapshotEntries, Keep: uint64(pl.snapshotEntries / 4)},
		pace: pl.pace, requestTimeout: 1500 * time.Millisecond, slowReads: pl.slowReads, seesDeath: pl.seesDeath,
		newest: new(meta.Image), crashAfter: make([]int, pl.nodes),
	}
	if pl.prefers {
		c.timing.supervisor.Prefer = time.Second
	}
	for i := range pl.partitions {
		c.topics = append(c.topics, "t"+strconv.Itoa(i))
		c.relaxed = append(c.relaxed, pl.relaxed && i == pl.partitions-1)
	}
	c.proposed = make([][]proposal, len(c.topics))
	c.net = newNetwork(c, pl.nodes)
	c.net.delay.min, c.net.delay.max = 100*time.Microsecond, pl.delayMax
	c.checkers = newCheckers(c, len(c.topics))
	voters := make([]model.NodeID, pl.voters)
	for i := range voters {
		voters[i] = model.NodeID(i)
	}
	for i := range pl.nodes {
		n := &node{c: c, index: i, lost: make([]bool, len(c.topics)), rack: pl.rack(i)}
		n.disk = &disk{
			w: w, directory: c.newID(), logs: make([]*partitionLog, len(c.topics)),
			normal: make([]model.LeaderEpoch, len(c.topics)), marks: make([]model.Offset, len(c.topics)), dropped: make([]model.LeaderEpoch, len(c.topics)),
		}
		n.disk.latency.min, n.disk.latency.max = 100*time.Microsecond, pl.syncMax
		if i < pl.voters {
			n.disk.raft = newRaftDisk(voters)
		} else {
			n.disk.raft = newRaftDisk(nil)
		}
		for k := range n.disk.normal {
			n.disk.normal[k] = model.NoLeaderEpoch
		}
		c.nodes = append(c.nodes, n)
	}
	return c
}

// newID is a random id from the run's chance.
func (c *cluster) newID() model.UUID {
	var u model.UUID
	for i := range u {
		u[i] = byte(c.w.rng.Uint32())
	}
	u[0] |= 1
	return u
}

// observe looks at an image that a node has published.
func (c *cluster) observe(node int, image *meta.Image) {
	h := fnv.New64a()
	h.Write(meta.EncodeSnapshot(image))
	c.checkers.ImagesAgree.check(c.checkers, node, image.Index, h.Sum64())
	if image.Index <= c.newest.Index {
		return
	}
	old := c.newest
	c.newest = image
	delta := meta.Diff(old, image)
	for _, id := range delta.Brokers {
		before, now := old.Brokers.ByID(id), image.Brokers.ByID(id)
		if before != nil && (now == nil || now.Epoch != before.Epoch) {
			c.checkers.LeaseExclusive.changed(int(id), before.Epoch, true)
		}
		if now != nil {
			c.checkers.LeaseExclusive.changed(int(id), now.Epoch, now.Fenced)
			if now.Fenced && before != nil && !before.Fenced && before.Epoch == now.Epoch {
				c.stats.Fenced++
				c.w.note(-1, "broker %d fenced", int64(id))
			}
		}
	}
	for _, change := range delta.Changed {
		c.observePartition(old, image, change.Topic)
	}
}

func (c *cluster) observePartition(old, image *meta.Image, topic *meta.Topic) {
	i := c.partitionOf(topic.Name)
	was, is := old.Topics.ByID(topic.ID), &topic.Partitions[0]
	if was == nil {
		return
	}
	before := &was.Partitions[0]
	c.checkers.partitions[i].Moves.check(c.checkers, i, before, is)
	if isUnclean(before, is) {
		c.w.note(-1, fmt.Sprintf("partition %d: an unclean election, %v in sync before", i, before.ISR))
		c.checkers.UncleanElections.check(c.checkers, i, old, image, topic)
		c.checkers.partitions[i].Given.due = before.LeaderEpoch + 1
	}
	if len(before.ISR) != len(is.ISR) {
		c.stats.ISRChanges++
		c.w.note(-1, "partition %d: %d in sync", int64(i), int64(len(is.ISR)))
	}
	if len(is.Lost) > len(before.Lost) {
		c.stats.LostMembers++
		c.w.note(-1, "partition %d: a member is lost", int64(i))
	}
	if len(is.Lost) < len(before.Lost) {
		c.stats.Readmitted++
	}
	if before.Reassigning() && !is.Reassigning() {
		c.stats.Moves++
		c.w.note(-1, fmt.Sprintf("partition %d is on %v", i, is.Replicas))
	}
	if is.LeaderEpoch != before.LeaderEpoch {
		c.w.note(-1, "partition %d: epoch %d, leader %d", int64(i), int64(is.LeaderEpoch), int64(is.Leader))
	}
}

func (c *cluster) partitionOf(topic string) int {
	for i, name := range c.topics {
		if name == topic {
			return i
		}
	}
	panic("sim: no topic " + topic)
}

// leaderAsToldBy is whom a node believes to lead a partition, or a random node.
func (c *cluster) leaderAsToldBy(node, partition int) int {
	if p := c.nodes[node].process; p != nil && !c.nodes[node].paused {
		if topic := p.image.Topics.ByName(c.topics[partition]); topic != nil {
			if leader := topic.Partitions[0].Leader; leader != model.NoNode {
				return int(leader)
			}
		}
	}
	return c.w.rng.IntN(len(c.nodes))
}

// command has the controller decide something, as an administrator would: through
// any node, again until the image shows it.
func (c *cluster) command(command controller.Command, done func(*meta.Image) bool) {
	var again func()
	again = func() {
		if done(c.newest) || c.w.halt {
			return
		}
		for p := range c.controllers() {
			p.submit(command)
		}
		c.w.after(400*time.Millisecond, again)
	}
	again()
}

// controllers yields the processes that lead the quorum, as far as they know, and can
// be talked to.
func (c *cluster) controllers() func(yield func(*process) bool) {
	return func(yield func(*process) bool) {
		for _, n := range c.nodes {
			if p := n.process; p != nil && !n.paused && p.machine.Leads() && !yield(p) {
				return
			}
		}
	}
}

// createTopics begins once the brokers are there.
func (c *cluster) createTopics() {
	live := 0
	for b := range c.newest.Brokers.All() {
		if !b.Fenced {
			live++
		}
	}
	if live < len(c.nodes) {
		c.w.after(100*time.Millisecond, c.createTopics)
		return
	}
	command := controller.CreateTopics{}
	for i, name := range c.topics {
		configs := map[string]*string{"min.insync.replicas": new(strconv.Itoa(c.plan.minInsync))}
		if c.relaxed[i] {
			configs["flush.messages"] = new("1000000")
		}
		command.Topics = append(command.Topics, controller.CreateTopic{
			Name: name, Partitions: 1, ReplicationFactor: int16(c.plan.factor), Configs: configs,
		})
	}
	c.command(command, func(i *meta.Image) bool { return i.Topics.Len() == len(c.topics) })
}
