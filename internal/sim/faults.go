package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/record"
)

// fault is something that goes wrong, or that an administrator does, at random
// moments.
type fault struct {
	name   string
	strike func(c *cluster)
}

// faults is the list that a plan chooses from.
func faults() []fault {
	return []fault{
		{"kill", (*cluster).kill},
		{"kill-leader", (*cluster).killLeader},
		{"kill-controller", (*cluster).killController},
		{"kill-at-boundary", (*cluster).killAtBoundary},
		{"power-loss", (*cluster).losePower},
		{"power-loss-of-all", (*cluster).loseAllPower},
		{"clean-restart", (*cluster).stopInOrder},
		{"pause", (*cluster).pause},
		{"partition", (*cluster).isolate},
		{"one-way", (*cluster).blockOneWay},
		{"split", (*cluster).split},
		{"from-controller", (*cluster).cutFromController},
		{"broken-streams", (*cluster).breakStreams},
		{"empty-disk", (*cluster).emptyDisk},
		{"bit-rot", (*cluster).rot},
		{"sync-error", (*cluster).failSync},
		{"disk-full", (*cluster).fillDisk},
		{"slow-disk", (*cluster).slowDisk},
		{"min-insync", (*cluster).changeMinInsync},
		{"members", (*cluster).changeMembers},
		{"delete-records", (*cluster).deleteRecords},
		{"metadata-lag", (*cluster).lagSomeMetadata},
		{"clock-jump", (*cluster).jumpClock},
		{"hand-over", (*cluster).handOver},
		{"late-hand-over", (*cluster).handOverLate},
		{"slow-heir", (*cluster).slowHeir},
		{"kill-leader-and-empty", (*cluster).killLeaderAndEmpty},
		{"kill-leader-and-power", (*cluster).killLeaderAndPower},
		{"reassign", (*cluster).reassign},
		{"prefer-leaders", (*cluster).preferLeaders},
		{"there-and-back", (*cluster).moveThereAndBack},
		{"throttle", (*cluster).throttle},
		{"balance", (*cluster).balance},
		{"lose-in-sync", (*cluster).loseInSync},
		{"sever-leader", (*cluster).severLeader},
		{"power-loss-relaxed", (*cluster).losePowerRelaxed},
		{"allow-unclean", (*cluster).allowUnclean},
	}
}

// beginFaults strikes again and again until the faults end.
func (c *cluster) beginFaults() {
	pl := c.plan
	c.net.loss, c.net.double, c.net.breaks, c.net.stale, c.net.late, c.net.copies = pl.loss, pl.double, pl.breaks, pl.stale, pl.late, pl.copies
	if len(pl.faults) == 0 {
		return
	}
	var again func()
	again = func() {
		if c.healing || c.w.now >= pl.faultsEnd {
			return
		}
		f := pl.faults[c.w.rng.IntN(len(pl.faults))]
		c.stats.Faults++
		f.strike(c)
		c.w.after(c.w.between(pl.every/5, pl.every*2), again)
	}
	c.w.after(c.w.between(0, pl.every), again)
}

// heal ends all faults.
func (c *cluster) heal() {
	c.healing = true
	c.w.note(-1, "all faults end")
	c.net.loss, c.net.double, c.net.breaks, c.net.late, c.net.copies = 0, 0, 0, 0, 0
	clear(c.net.lag)
	c.slowReads = 0
	c.healThrottles()
	for i := range c.net.blocked {
		for k := range c.net.blocked[i] {
			c.net.blocked[i][k] = false
		}
	}
	for i, n := range c.nodes {
		c.crashAfter[i] = 0
		n.disk.failing, n.disk.full, n.disk.slow, n.disk.slowLog = false, false, 0, 0
		if n.paused {
			n.resume()
		}
		if p := n.process; p != nil {
			p.leaving = false
		}
		c.w.after(c.w.between(0, 500*time.Millisecond), n.start)
	}
	for i := range c.topics {
		c.w.after(time.Second, func() { c.demandWhereLost(i) })
	}
}

func (c *cluster) randomNode() *node { return c.nodes[c.w.rng.IntN(len(c.nodes))] }

// leaderNode is the node that leads a random partition, by the newest metadata.
func (c *cluster) leaderNode() *node {
	topic := c.newest.Topics.ByName(c.topics[c.w.rng.IntN(len(c.topics))])
	if topic == nil || topic.Partitions[0].Leader == model.NoNode {
		return c.randomNode()
	}
	return c.nodes[topic.Partitions[0].Leader]
}

func (c *cluster) controllerNode() *node {
	for _, n := range c.nodes {
		if n.process != nil && n.process.machine.Leads() {
			return n
		}
	}
	return c.randomNode()
}

func (c *cluster) restartLater(n *node) {
	c.w.after(c.w.skewed(50*time.Millisecond, 4*time.Second), n.start)
}

func (c *cluster) killNode(n *node) {
	n.crash(killed, "kill -9")
	c.restartLater(n)
}

func (c *cluster) kill()           { c.killNode(c.randomNode()) }
func (c *cluster) killLeader()     { c.killNode(c.leaderNode()) }
func (c *cluster) killController() { c.killNode(c.controllerNode()) }

// killAtBoundary crashes a node between two effects, soon.
func (c *cluster) killAtBoundary() {
	n := c.leaderNode()
	if c.w.chance(0.5) {
		n = c.randomNode()
	}
	c.crashAfter[n.index] = 1 + c.w.rng.IntN(40)
}

// crashNow is the crash that killAtBoundary planned.
func (c *cluster) crashNow(n *node) {
	if c.mayLosePower(n) && c.w.chance(0.5) {
		n.crash(powerLoss, "power lost between two effects")
	} else {
		n.crash(killed, "kill -9 between two effects")
	}
	c.restartLater(n)
}

func (c *cluster) losePower() {
	n := c.randomNode()
	if !c.mayLosePower(n) {
		return
	}
	n.crash(powerLoss, "power lost")
	c.restartLater(n)
}

// loseAllPower takes all machines down at one moment.
func (c *cluster) loseAllPower() {
	for i := range c.relaxed {
		if c.relaxed[i] {
			return // what is only in memory everywhere is lost then, by agreement
		}
	}
	for _, n := range c.nodes {
		n.crash(powerLoss, "power lost everywhere")
		c.restartLater(n)
	}
}

// stopInOrder is a restart that hands leaderships over first.
func (c *cluster) stopInOrder() {
	c.askToStop(c.randomNode())
}

func (c *cluster) askToStop(n *node) {
	if n.process == nil {
		return
	}
	n.process.leaving = true
	c.w.note(n.index, "asked to stop")
	run := n.process
	c.w.after(c.w.between(time.Second, 4*time.Second), func() {
		if n.process == run { // it takes too long
			n.crash(killed, "kill -9 of a node that was stopping")
		}
		n.start()
	})
}

func (c *cluster) pause() {
	n := c.leaderNode()
	if c.w.chance(0.5) {
		n = c.randomNode()
	}
	if n.process == nil || n.paused {
		return
	}
	n.pause()
	c.w.after(c.w.skewed(100*time.Millisecond, 6*time.Second), func() {
		if n.paused {
			n.resume()
		}
	})
}

func (c *cluster) block(from, to int, during time.Duration) {
	c.net.blocked[from][to] = true
	c.w.after(during, func() { c.net.blocked[from][to] = false })
}

func (c *cluster) isolate() {
	n := c.leaderNode()
	during := c.w.skewed(200*time.Millisecond, 6*time.Second)
	c.w.note(n.index, "cut off from all")
	for i := range c.nodes {
		if i != n.index {
			c.block(i, n.index, during)
			c.block(n.index, i, during)
		}
	}
}

func (c *cluster) blockOneWay() {
	from, to := c.randomNode().index, c.randomNode().index
	if from == to {
		return
	}
	c.w.note(from, "cannot reach node %d", int64(to))
	c.block(from, to, c.w.skewed(200*time.Millisecond, 6*time.Second))
}

// split divides the nodes in two.
func (c *cluster) split() {
	side := make([]bool, len(c.nodes))
	for i := range side {
		side[i] = c.w.chance(0.5)
	}
	during := c.w.skewed(200*time.Millisecond, 6*time.Second)
	c.w.note(-1, "the network is split")
	for i := range side {
		for k := range side {
			if side[i] != side[k] {
				c.block(i, k, during)
			}
		}
	}
}

func (c *cluster) cutFromController() {
	n, controller := c.leaderNode(), c.controllerNode()
	if n == controller {
		return
	}
	during := c.w.skewed(200*time.Millisecond, 6*time.Second)
	c.w.note(n.index, "cut off from the controller")
	c.block(n.index, controller.index, during)
	c.block(controller.index, n.index, during)
}

func (c *cluster) breakStreams() {
	for i := range c.nodes {
		for k := range c.nodes {
			if c.w.chance(0.4) {
				c.net.breakStream(i, k)
			}
		}
	}
}

// emptyDisk replaces a node's disk, where enough of the others hold everything.
func (c *cluster) emptyDisk() {
	c.emptySoon(c.randomNode(), 15)
}

func (c *cluster) emptySoon(n *node, tries int) {
	if !c.sparesAll(n) {
		if tries > 0 && !c.healing {
			c.w.after(100*time.Millisecond, func() { c.emptySoon(n, tries-1) })
		}
		return
	}
	n.crash(killed, "its disk dies")
	n.empty()
	c.restartLater(n)
}

// emptyWhenSafe gives a node whose disk is rotten an empty one, as soon as the
// others can spare what it holds; until then it stays down.
func (c *cluster) emptyWhenSafe(n *node) {
	n.condemned = true
	if c.sparesAll(n) {
		n.empty()
		c.restartLater(n)
		return
	}
	c.w.after(200*time.Millisecond, func() { c.emptyWhenSafe(n) })
}

// rot flips a bit in what a node has on its disk, where enough of the others hold
// everything.
func (c *cluster) rot() {
	n := c.randomNode()
	i := c.w.rng.IntN(len(c.topics))
	l := n.disk.logs[i]
	if l == nil || !c.sparesAll(n) {
		return
	}
	synced := l.at(l.synced)
	if synced == 0 {
		return
	}
	at := c.w.rng.IntN(synced)
	b := record.Batch(append([]byte(nil), l.batches[at]...))
	b[record.HeaderSize] ^= 1 << c.w.rng.IntN(8)
	l.batches[at] = b
	n.lost[i], n.rotten = true, true
	c.stats.RottenBatches++
	c.w.note(n.index, "partition %d: a bit flips at %d", int64(i), int64(b.BaseOffset()))
}

func (c *cluster) failSync() {
	n := c.randomNode()
	if c.mayLosePower(n) {
		n.disk.failing = true
	}
}

func (c *cluster) fillDisk() {
	n := c.randomNode()
	if !c.mayLosePower(n) {
		return
	}
	n.disk.full = true
	c.w.note(n.index, "disk full")
	c.w.after(c.w.between(100*time.Millisecond, 3*time.Second), func() { n.disk.full = false })
}

func (c *cluster) slowDisk() {
	n := c.randomNode()
	n.disk.slow = 10 + c.w.rng.IntN(60)
	c.w.note(n.index, "slow disk")
	c.w.after(c.w.between(200*time.Millisecond, 5*time.Second), func() { n.disk.slow = 0 })
}

func (c *cluster) changeMinInsync() {
	i := c.w.rng.IntN(len(c.topics))
	value := strconv.Itoa(1 + c.w.rng.IntN(c.plan.factor))
	c.w.note(-1, "partition %d: min.insync.replicas becomes "+value, int64(i))
	resource := meta.Resource{Type: meta.TopicResource, Name: c.topics[i]}
	tries := 0
	c.command(controller.AlterConfigs{Resources: []controller.AlterResource{{
		Resource: resource, Ops: []controller.ConfigOp{{Name: "min.insync.replicas", Value: &value}},
	}}}, func(image *meta.Image) bool {
		tries++
		return tries > 3 || image.Configs.Of(resource)["min.insync.replicas"] == value
	})
}

// reassign gives a partition other replicas, as many or not, or cancels that.
func (c *cluster) reassign() {
	i := c.w.rng.IntN(len(c.topics))
	var to []model.NodeID
	if !c.w.chance(0.2) {
		order := c.w.rng.Perm(len(c.nodes))
		for _, n := range order[:min(len(order), max(1, c.plan.factor-1+c.w.rng.IntN(3)))] {
			to = append(to, model.NodeID(n))
		}
	}
	c.move(i, to)
}

// move gives a partition other replicas; nil: those from before.
func (c *cluster) move(i int, to []model.NodeID) {
	c.w.note(-1, fmt.Sprintf("partition %d is to move to %v", i, to))
	tries := 0
	move := controller.Reassign{Topic: c.topics[i], Replicas: to}
	c.command(controller.AlterReassignments{Partitions: []controller.Reassign{move}}, func(image *meta.Image) bool {
		tries++
		t := image.Topics.ByName(c.topics[i])
		return tries > 3 || t != nil && slices.Equal(t.Partitions[0].Target(), to)
	})
}

// moveThereAndBack takes a replica away from a node that does not hear of it for a while,
// and gives it back at once: what it says meanwhile is of a log that it is going to remove.
func (c *cluster) moveThereAndBack() {
	i := c.w.rng.IntN(len(c.topics))
	topic := c.newest.Topics.ByName(c.topics[i])
	if topic == nil || topic.Partitions[0].Reassigning() || len(topic.Partitions[0].Replicas) < 2 {
		return
	}
	was := topic.Partitions[0].Replicas
	gone := was[1+c.w.rng.IntN(len(was)-1)]
	c.lagMetadata(c.nodes[gone])
	c.move(i, slices.DeleteFunc(slices.Clone(was), func(n model.NodeID) bool { return n == gone }))
	tries := 0
	var back func()
	back = func() {
		tries++
		if t := c.newest.Topics.ByName(c.topics[i]); t != nil && !slices.Contains(t.Partitions[0].Replicas, gone) {
			c.move(i, was)
		} else if tries < 200 && !c.healing {
			c.w.after(5*time.Millisecond, back)
		}
	}
	back()
}

// preferLeaders has partitions elect the first of their replicas.
func (c *cluster) preferLeaders() {
	c.w.note(-1, "the first replicas are to lead")
	for p := range c.controllers() {
		p.submit(controller.PreferLeaders{All: true})
	}
}

// changeMembers changes the quorum's voters by one or two at a time, through
// learners where they join.
func (c *cluster) changeMembers() {
	for p := range c.controllers() {
		if !p.machine.CanDecide() {
			continue
		}
		change := c.memberChange(p)
		if err := p.machine.ChangeMembers(nil, change); err == nil {
			c.stats.MemberChanges++
			c.w.note(p.node.index, "changes the quorum's members")
			p.settle()
		}
	}
}

func (c *cluster) memberChange(p *process) quorum.Change {
	members := p.machine.Members()
	voters, learners := members.Voters, members.Learners
	var change quorum.Change
	switch {
	case len(learners) > 0:
		change.Promote = learners[:1]
		if len(voters) > 3 && c.w.chance(0.5) {
			change.Remove = []model.NodeID{voters[c.w.rng.IntN(len(voters))]}
		}
	case len(voters) > 3 && c.w.chance(0.5):
		change.Remove = []model.NodeID{voters[c.w.rng.IntN(len(voters))]}
	case len(voters) > 3:
		change.Demote = []model.NodeID{voters[c.w.rng.IntN(len(voters))]}
	}
	return change
}

// addLearners has the nodes that are no voters learn the metadata.
func (c *cluster) addLearners() {
	if c.w.halt {
		return
	}
	for p := range c.controllers() {
		if !p.machine.CanDecide() {
			continue
		}
		members := p.machine.Members()
		known := slices.Concat(members.Voters, members.Learners)
		for _, other := range c.nodes {
			if !slices.Contains(known, other.id()) {
				if err := p.machine.ChangeMembers(nil, quorum.Change{Learn: []model.NodeID{other.id()}}); err == nil {
					p.settle()
				}
				break
			}
		}
	}
	c.w.after(150*time.Millisecond, c.addLearners)
}

// deleteRecords moves a partition's start on its leader, up to the high watermark.
func (c *cluster) deleteRecords() {
	i := c.w.rng.IntN(len(c.topics))
	p := c.leaderNode().process
	if p == nil || p.node.paused || p.replicas[i] == nil {
		return
	}
	h := p.replicas[i]
	if _, leads := h.machine.Leads(); !leads || h.machine.HighWatermark() <= h.log.start {
		return
	}
	to := h.log.start + model.Offset(c.w.rng.Int64N(int64(h.machine.HighWatermark()-h.log.start)))
	h.log.advanceStart(to)
	l := &c.checkers.partitions[i].ledger
	l.start = max(l.start, h.log.start)
}

// jumpClock moves a node's clock forward: it finds that leases and sessions are over.
func (c *cluster) jumpClock() {
	n := c.randomNode()
	n.ahead += c.w.skewed(50*time.Millisecond, 10*time.Second)
	c.w.note(n.index, "its clock jumps")
}

// clocksDiffer: some node's clock has jumped.
func (c *cluster) clocksDiffer() bool {
	for _, n := range c.nodes {
		if n.ahead > 0 {
			return true
		}
	}
	return false
}
