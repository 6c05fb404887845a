package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/record"
)

// loseInSync kills so many members of an in-sync set that no clean election is possible,
// and has an administrator ask for an unclean one, often too early.
func (c *cluster) loseInSync() {
	i := c.w.rng.IntN(len(c.topics))
	topic := c.newest.Topics.ByName(c.topics[i])
	if topic == nil {
		return
	}
	set := slices.Clone(topic.Partitions[0].ISR)
	c.w.rng.Shuffle(len(set), func(a, b int) { set[a], set[b] = set[b], set[a] })
	stay := c.w.rng.IntN(isr.ElectionAnswers(len(set)))
	for _, id := range set[stay:] {
		c.killFor(c.nodes[id], "kill -9 of a member in sync")
	}
	c.demandFor(i, 6*time.Second)
}

// severLeader cuts a leader off from its followers, not from the controller, until they
// are out of sync, and kills it: what it has committed alone is lost by an unclean election.
func (c *cluster) severLeader() {
	i := c.w.rng.IntN(len(c.topics))
	topic := c.newest.Topics.ByName(c.topics[i])
	if topic == nil || topic.Partitions[0].Leader == model.NoNode {
		return
	}
	leader, during := c.nodes[topic.Partitions[0].Leader], c.w.between(2500*time.Millisecond, 4*time.Second)
	for _, id := range topic.Partitions[0].Replicas {
		if id != leader.id() && c.w.chance(0.9) {
			c.block(leader.index, int(id), during)
			c.block(int(id), leader.index, during)
		}
	}
	c.w.note(leader.index, "partition %d: its leader is severed from its followers", int64(i))
	c.w.after(during, func() {
		if !c.healing {
			c.killFor(leader, "kill -9 of a leader that was alone")
			c.demandFor(i, 6*time.Second)
		}
	})
}

// losePowerRelaxed takes all machines down at one moment, where topics acknowledge unsynced
// data: all members are lost then, and nobody can be elected but uncleanly. The only copy is
// not marked: who relaxes its sync has agreed to lose the end of it (RegisterBroker).
func (c *cluster) losePowerRelaxed() {
	for i, name := range c.topics {
		topic := c.newest.Topics.ByName(name)
		if c.relaxed[i] && (topic == nil || len(topic.Partitions[0].Replicas) == 1 || topic.Partitions[0].Reassigning()) {
			return
		}
	}
	for _, n := range c.nodes {
		n.crash(powerLoss, "power lost everywhere")
		c.restartLater(n)
	}
	for i := range c.topics {
		if c.relaxed[i] {
			c.demandFor(i, 8*time.Second)
		}
	}
}

// allowUnclean sets unclean.leader.election.enable of a topic, or takes it back.
func (c *cluster) allowUnclean() {
	i := c.w.rng.IntN(len(c.topics))
	value := pick(c.w.rng, "true", "true", "false")
	c.w.note(-1, "partition %d: unclean.leader.election.enable becomes "+value, int64(i))
	resource := meta.Resource{Type: meta.TopicResource, Name: c.topics[i]}
	tries := 0
	c.command(controller.AlterConfigs{Resources: []controller.AlterResource{{
		Resource: resource, Ops: []controller.ConfigOp{{Name: uncleanEnable, Value: &value}},
	}}}, func(image *meta.Image) bool {
		tries++
		return tries > 3 || image.Configs.Of(resource)[uncleanEnable] == value
	})
}

const uncleanEnable = "unclean.leader.election.enable"

func (c *cluster) killFor(n *node, why string) {
	n.crash(killed, why)
	c.w.after(c.w.between(2*time.Second, 7*time.Second), n.start)
}

// demandFor has an administrator ask for an unclean election until there is a leader.
func (c *cluster) demandFor(i int, during time.Duration) {
	until := c.w.now + during
	var again func()
	again = func() {
		topic := c.newest.Topics.ByName(c.topics[i])
		if c.w.halt || c.w.now > until || topic == nil {
			return
		}
		if topic.Partitions[0].Leader == model.NoNode {
			for p := range c.controllers() {
				p.electUncleanly(i)
			}
		}
		c.w.after(c.w.between(50*time.Millisecond, 400*time.Millisecond), again)
	}
	again()
}

// demandWhereLost has an administrator ask once more, where all members may be lost: with the
// power, or with the disk of the one whom an unclean election has left, struck while that was
// being decided.
func (c *cluster) demandWhereLost(i int) {
	g := &c.checkers.partitions[i].Given
	if c.relaxed[i] || g.elections > 0 || g.due > 0 {
		c.demandFor(i, recoveryMax/2)
	}
}

// electUncleanly is membership's Router and Office: the command is decided, and then the
// supervisor is told.
func (p *process) electUncleanly(i int) {
	if p.machine.Refuses() {
		return
	}
	command := controller.ElectUncleanly{Partitions: []controller.PartitionName{{Topic: p.c.topics[i]}}}
	p.proposals = append(p.proposals, quorum.Proposal{Command: command, Token: func(r quorum.Reply) {
		result, ok := r.Result.(controller.UncleanlyElecting)
		if r.Err != nil || !ok || p.supervisor == nil || result.Partitions[0].Err != nil {
			return
		}
		part := &p.image.Topics.ByName(p.c.topics[i]).Partitions[0]
		p.w.note(p.node.index, "partition %d: an unclean election of epoch %d is asked for", int64(i), int64(part.LeaderEpoch))
		p.c.checkers.UncleanElections.demand(i, part.LeaderEpoch)
		p.supervisor.ElectUncleanly(p.clock(), []controller.PartitionRef{result.Partitions[0].Of})
		p.supervise()
	}})
	p.settle()
}

// onlyUnclean is a plan of five nodes that lose what is in sync of three replicas.
func (p *plan) onlyUnclean() {
	p.nodes, p.voters, p.partitions, p.factor = 5, 5, 1, 3
	p.loss, p.double, p.breaks, p.late = 0, 0, 0, 0
	for _, f := range faults() {
		if slices.Contains([]string{"lose-in-sync", "sever-leader", "allow-unclean", "reassign"}, f.name) {
			p.faults = append(p.faults, f)
		}
	}
	p.every = 2 * time.Second
}

type demand struct {
	partition int
	epoch     model.LeaderEpoch
}

// uncleanElections: one is held only where somebody has asked for it, or a setting says
// so; only where no clean one is possible; and it takes a member in sync where one is there.
type uncleanElections struct{ demanded map[demand]bool }

// demand: an unclean election was asked for in a leader epoch without a leader.
func (u *uncleanElections) demand(partition int, e model.LeaderEpoch) {
	u.demanded[demand{partition, e}] = true
}

// isUnclean reports whether between two states of a partition a leader was elected that is
// all there is in sync then, while others were.
func isUnclean(was, is *meta.Partition) bool {
	return was.Leader == model.NoNode && is.LeaderEpoch > was.LeaderEpoch && len(is.ISR) == 1 &&
		!(slices.Equal(was.ISR, is.ISR) && len(was.Lost) == 0)
}

func (u *uncleanElections) check(k *checkers, i int, old, image *meta.Image, topic *meta.Topic) {
	was, is := &old.Topics.ByID(topic.ID).Partitions[0], &topic.Partitions[0]
	resource := meta.Resource{Type: meta.TopicResource, Name: topic.Name}
	allowed := func(m *meta.Image) bool { return m.Configs.Of(resource)[uncleanEnable] == "true" }
	if !u.demanded[demand{i, was.LeaderEpoch}] && !allowed(old) && !allowed(image) {
		k.fail("UncleanElections", "partition %d elects %v in epoch %d though it loses what %v may have, and nobody has asked for it", i, is.ISR, is.LeaderEpoch, was.ISR)
		return
	}
	able := func(m *meta.Image) (members []model.NodeID) {
		for _, n := range was.ISR {
			if b := m.Brokers.ByID(n); b != nil && !b.Fenced && !slices.Contains(was.Lost, n) {
				members = append(members, n)
			}
		}
		return members
	}
	before, after := able(old), able(image)
	need := isr.ElectionAnswers(len(was.ISR))
	if len(before) >= need && len(after) >= need {
		k.fail("UncleanElections", "partition %d elects %v in epoch %d, uncleanly, while %v of %v can elect one that has everything", i, is.ISR, is.LeaderEpoch, after, was.ISR)
		return
	}
	if len(before) > 0 && len(after) > 0 && !slices.Contains(slices.Concat(before, after), is.ISR[0]) {
		k.fail("UncleanElections", "partition %d elects %v in epoch %d, which is not in sync, while %v is there", i, is.ISR, is.LeaderEpoch, after)
	}
}

// lostKey names a batch that was committed and that an unclean election has given up.
type lostKey struct {
	base model.Offset
	crc  uint32
}

// given is what unclean elections have given up.
type given struct {
	// due is an epoch whose leader was elected uncleanly and has not begun to lead; 0: none.
	// epoch is of the newest that has: what leaders of older ones say does not count.
	due, epoch model.LeaderEpoch
	elections  int
	up         map[lostKey]bool
}

func keyOf(b record.Batch) lostKey { return lostKey{b.BaseOffset(), b.CRC()} }

// outlived: what a leader of this epoch commits is given up already.
func (g *given) outlived(e model.LeaderEpoch) bool { return e < g.epoch }

// begin takes the log of a leader that was elected uncleanly for the truth, as far as it
// says that it is committed.
func (pc *partitionChecks) begin(k *checkers, i int, e model.LeaderEpoch, log *partitionLog, mark model.Offset) {
	g, l := &pc.Given, &pc.ledger
	g.epoch, g.due = e, 0
	g.elections++
	k.c.stats.UncleanElections++
	common := len(l.batches)
	for j, b := range l.batches {
		if b.BaseOffset() < log.start {
			continue
		}
		if at := log.at(b.BaseOffset()); at >= len(log.batches) || !same(log.batches[at], b) {
			common = j
			break
		}
	}
	for _, b := range l.batches[common:] {
		g.up[keyOf(b)] = true
		if key := keyOfSequence(b); pc.NoDuplicates.seen[key] == b.BaseOffset() {
			delete(pc.NoDuplicates.seen, key)
		}
		k.c.stats.GivenUp++
	}
	k.c.w.note(-1, fmt.Sprintf("partition %d: %d batches are given up", i, len(l.batches)-common))
	l.batches, l.epochs = l.batches[:common:common], l.epochs[:common:common]
	l.start = min(l.start, l.end())
	for _, b := range log.from(l.end(), len(log.batches)) { // of an earlier past, given up before
		if b.NextOffset() > mark {
			break
		}
		delete(g.up, keyOf(b))
		l.batches, l.epochs = append(l.batches, b), append(l.epochs, e)
	}
	clear(pc.Order.last)
	for _, b := range l.batches {
		if b.ProducerID() != model.NoProducerID {
			pc.Order.last[b.ProducerID()] = b
		}
	}
	for _, r := range k.c.consumers {
		if r.partition == i {
			r.offset = min(r.offset, l.end()) // KIP-320
		}
	}
}

// mayRead reports whether a node may give a consumer a batch that was given up: until it has
// made its log as the new leader's is. After a second such election it may be of either past.
func (g *given) mayRead(k *checkers, node, partition int, b record.Batch) bool {
	return g.up[keyOf(b)] && (k.c.nodes[node].disk.normal[partition] < g.epoch || g.elections > 1)
}
