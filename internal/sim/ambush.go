package sim

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// moment is a step of the protocol at which a fault would hurt most. A plan may have
// faults lie in wait for some of them: random moments alone hardly ever hit the
// milliseconds between a proposal and its decision.
type moment uint8

const (
	onPropose  moment = iota // a leader has proposed an in-sync set
	onElected                // a replica begins to lead
	onAnswer                 // a replica answers an election
	onAgreed                 // a follower has agreed with a new leader
	onNormal                 // a replica's normal epoch is durable
	onCommit                 // a leader has committed for the first time in its epoch
	onRegister               // a broker has applied its registration
	onVote                   // a node votes in the quorum
	onJoin                   // a follower is about to be taken into the set
	onAppend                 // a leader has appended a client's batch
	onRead                   // a leader reads for a follower
	moments
)

func (m moment) String() string {
	return [...]string{"propose", "elected", "answer", "agreed", "normal", "commit", "register", "vote", "join", "append", "read"}[m]
}

// liesInWait decides whether faults strike at a moment now.
func (c *cluster) liesInWait(m moment, chance float64) bool {
	return !c.healing && c.w.now >= c.plan.warmUp && c.plan.ambushes&(1<<m) != 0 && c.w.chance(chance)
}

// ambush strikes at a moment of a node, about a partition (-1: none), where the plan
// says so.
func (c *cluster) ambush(m moment, n *node, partition int) {
	if !c.liesInWait(m, c.plan.ambushChance) {
		return
	}
	// A moment later, so that what the node is doing is done or half done.
	wait := c.w.skewed(0, 20*time.Millisecond)
	if c.w.chance(0.5) {
		wait = 0
	}
	c.w.after(wait, func() {
		if c.healing {
			return
		}
		c.stats.Ambushes++
		c.w.note(n.index, "ambush on "+m.String())
		if m == onAppend || c.w.chance(0.3) {
			n.crash(killed, "kill -9")
			c.restartSoon(n)
			return
		}
		c.strike(n, partition)
	})
}

func (c *cluster) strike(n *node, partition int) {
	switch c.w.rng.IntN(8) {
	case 0, 1:
		n.crash(killed, "kill -9")
		c.restartSoon(n)
	case 2:
		c.strikePower(n)
	case 3:
		c.strikeDisk(n)
	case 4:
		c.killPartitionLeader(partition)
	case 5:
		c.killPartitionLeader(partition)
		c.strikeDisk(n)
	case 6:
		c.killPartitionLeader(partition)
		c.strikePower(n)
	case 7:
		c.lagMetadata(n)
	}
}

// restartSoon is a supervisor that restarts at once, most of the time.
func (c *cluster) restartSoon(n *node) {
	c.w.after(c.w.skewed(2*time.Millisecond, 2*time.Second), n.start)
}

func (c *cluster) strikePower(n *node) {
	if c.mayLosePower(n) {
		n.crash(powerLoss, "power lost")
		c.restartSoon(n)
	}
}

func (c *cluster) strikeDisk(n *node) {
	if c.sparesAll(n) {
		n.crash(killed, "its disk dies")
		n.empty()
		c.restartSoon(n)
	}
}

func (c *cluster) killPartitionLeader(partition int) {
	if partition < 0 {
		c.killLeader()
		return
	}
	for _, n := range c.nodes {
		if p := n.process; p != nil && p.replicas[partition] != nil {
			if _, leads := p.replicas[partition].machine.Leads(); leads {
				n.crash(killed, "kill -9 of the leader")
				c.restartLater(n)
			}
		}
	}
}

// lagMetadata has everything of the quorum and the controller reach a node late; its
// replication streams are as fast as before.
func (c *cluster) lagMetadata(n *node) {
	c.net.lag[n.index] = c.w.between(50*time.Millisecond, 1500*time.Millisecond)
	c.w.note(n.index, "metadata reaches it late")
	c.w.after(c.w.between(time.Second, 5*time.Second), func() { c.net.lag[n.index] = 0 })
}

func (c *cluster) lagSomeMetadata() {
	for _, n := range c.nodes {
		if c.w.chance(0.5) {
			c.lagMetadata(n)
		}
	}
}

// handOver asks a leader to stop.
func (c *cluster) handOver() { c.askToStop(c.leaderNode()) }

// killLeaderAndEmpty: two faults at once that the protocol survives together, where
// the others hold everything.
func (c *cluster) killLeaderAndEmpty() {
	i := c.w.rng.IntN(len(c.topics))
	n := c.randomNode()
	c.killPartitionLeader(i)
	c.strikeDisk(n)
}

// killLeaderAndPower is the same with the power.
func (c *cluster) killLeaderAndPower() {
	i := c.w.rng.IntN(len(c.topics))
	n := c.randomNode()
	c.killPartitionLeader(i)
	c.strikePower(n)
}

// handOverLate asks a leader to stop while it and one of its followers hear late
// what becomes of it.
func (c *cluster) handOverLate() {
	n := c.leaderNode()
	lag, during := c.w.between(300*time.Millisecond, 1200*time.Millisecond), 2*time.Second
	other := c.randomNode()
	for _, slow := range []*node{n, other} {
		c.net.lag[slow.index] = lag
		c.w.after(during, func() { c.net.lag[slow.index] = 0 })
	}
	c.w.note(other.index, "metadata reaches it late, as its leader's")
	c.askToStop(n)
}

// slowHeir kills a leader whose heir is slow to sync what it has written, and takes the
// heir's power when it is normal in the epoch that it leads.
func (c *cluster) slowHeir() {
	i := c.w.rng.IntN(len(c.topics))
	topic := c.newest.Topics.ByName(c.topics[i])
	if topic == nil || topic.Partitions[0].Leader == model.NoNode {
		return
	}
	part := &topic.Partitions[0]
	for _, id := range part.ISR {
		if id == part.Leader {
			continue
		}
		leader, heir := c.nodes[part.Leader], c.nodes[id]
		c.w.note(heir.index, "slow to sync, and heir to partition %d", int64(i))
		heir.disk.slowLog, heir.doomed = 200+c.w.rng.IntN(800), true
		c.w.after(c.w.between(100*time.Millisecond, 600*time.Millisecond), func() {
			leader.crash(killed, "kill -9 of the leader")
			c.w.after(c.w.between(2*time.Second, 5*time.Second), leader.start)
		})
		c.w.after(4*time.Second, func() { heir.disk.slowLog, heir.doomed = 0, false })
		return
	}
}

// doom takes a doomed heir's power, where what it leads with is not synced.
func (c *cluster) doom(n *node, partition int) {
	p := n.process
	if !n.doomed || p == nil || c.healing {
		return
	}
	h := p.replicas[partition]
	if _, leads := h.machine.Leads(); leads && h.log.synced < h.log.EndOffset() && c.mayLosePower(n) {
		n.doomed, n.disk.slowLog = false, 0
		n.crash(powerLoss, "power lost")
		c.w.after(c.w.between(2*time.Millisecond, 100*time.Millisecond), n.start)
	}
}

// copied strikes at a leader where a late copy of a proposal may bring members back.
func (c *cluster) copied(partition, members int) {
	topic := c.newest.Topics.ByName(c.topics[partition])
	if c.healing || topic == nil || len(topic.Partitions[0].ISR) >= members || !c.w.chance(0.7) {
		return
	}
	c.stats.Ambushes++
	c.w.after(c.w.skewed(5*time.Millisecond, 100*time.Millisecond), func() { c.killPartitionLeader(partition) })
}

// emptyJoiner strikes at the follower that a leader has proposed to take in, and
// then at the leader; the follower cannot catch up meanwhile. It returns how long the
// proposal takes to the controller.
func (c *cluster) emptyJoiner(leader, joiner *node, partition int) (delay time.Duration) {
	if !c.liesInWait(onJoin, c.plan.ambushChance*3) {
		return 0
	}
	delay = c.w.between(300*time.Millisecond, 1200*time.Millisecond)
	c.w.after(c.w.skewed(0, 3*time.Millisecond), func() {
		if c.healing || !c.sparesAll(joiner) {
			return
		}
		c.stats.Ambushes++
		joiner.crash(killed, "its disk dies as it joins")
		joiner.empty()
		c.block(leader.index, joiner.index, 2*time.Second)
		c.block(joiner.index, leader.index, 2*time.Second)
		c.w.after(c.w.between(2*time.Millisecond, 30*time.Millisecond), joiner.start)
		c.w.after(delay+c.w.between(5*time.Millisecond, 300*time.Millisecond), func() { c.killPartitionLeader(partition) })
	})
	return delay
}

// slowRead cuts a leader off from all but one follower, whose metadata is late, and
// has a read for that follower take until the leader follows another.
func (c *cluster) slowRead(p *process, follower int, h *host) {
	if !c.liesInWait(onRead, c.plan.ambushChance/50) || c.net.lag[follower] > 0 || p.machine.Leads() || c.controllerNode().index == follower {
		return
	}
	c.stats.Ambushes++
	c.w.note(p.node.index, "ambush on read for node %d", int64(follower))
	for i := range c.nodes {
		if i != p.node.index && i != follower {
			c.block(i, p.node.index, 2700*time.Millisecond)
			c.block(p.node.index, i, 2700*time.Millisecond)
		}
	}
	c.net.lag[follower] = 6 * time.Second
	c.w.after(5*time.Second, func() { c.net.lag[follower] = 0 })
	h.slowTo, h.slowFrom = follower, c.w.now+c.w.between(5*time.Millisecond, 60*time.Millisecond)
	h.slowUntil = c.w.now + c.w.between(2900*time.Millisecond, 4*time.Second)
}
