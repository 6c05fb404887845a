package sim

import (
	"slices"
	"strconv"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/throttle"
)

// turn is a partition's way to a follower, which a throttle may hold back.
type turn struct {
	partition int
	to        model.NodeID
}

// applyThrottles takes the throttles from a newer image.
func (p *process) applyThrottles(delta meta.Delta, image *meta.Image) {
	p.gate.SetRates(throttle.RatesOf(image, p.node.id()), p.clock())
	if len(delta.Configs) == 0 {
		return
	}
	for i, h := range p.replicas {
		if h != nil {
			h.values = p.valuesOf(image, i)
		}
	}
	p.give(p.gate.Release())
}

func (p *process) valuesOf(image *meta.Image, partition int) settings.TopicValues {
	values, err := settings.Layers{
		Topic: image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: p.c.topics[partition]}), ReplicationFactor: 1,
	}.TopicValues()
	if err != nil {
		panic(err) // what AlterConfigs accepts is valid
	}
	return values
}

// heldBack reports whether batches for a follower have to wait for a throttle. Where not
// they count as sent.
func (p *process) heldBack(i int, h *host, to model.NodeID, batches []record.Batch) bool {
	k := turn{i, to}
	if !h.machine.Outside(to) {
		p.gate.Leave(k, to)
		return false
	}
	f := throttle.Flow{Follower: to}
	f.AsLeader, f.AsFollower = h.values.Throttled(0, int32(p.node.index), int32(to))
	if _, ok := p.gate.Admit(k, f, p.clock()); !ok {
		p.c.stats.HeldBack++
		p.c.checkers.ThrottleSparesISR.check(p.c.checkers, p, i, to)
		p.armThrottle()
		return true
	}
	bytes := 0
	for _, b := range batches {
		bytes += len(b)
	}
	p.gate.Sent(f, bytes, p.clock())
	return false
}

// armThrottle has those called who wait, when there is room.
func (p *process) armThrottle() {
	if next, ok := p.gate.Next(); ok {
		p.arm(&p.throttleAlarm, next, func() {
			p.give(p.gate.Call(p.clock()))
			p.armThrottle()
		})
	}
}

func (p *process) give(turns []turn) {
	for _, k := range turns {
		if p.dead || p.w.halt {
			return
		}
		if p.replicas[k.partition] != nil {
			p.push(k.partition)
		}
	}
}

// throttleSparesISR: no throttle holds back whom a commit may wait for: a member of the set
// in force, or of one that the leader has proposed and that may be in force.
type throttleSparesISR struct{}

func (throttleSparesISR) check(k *checkers, p *process, partition int, to model.NodeID) {
	view := p.replicas[partition].machine.View()
	if slices.Contains(view.ISR(), to) {
		k.fail("ThrottleSparesISR", "node %d holds back what node %d, in sync, is to get of partition %d", p.node.index, to, partition)
	}
	for _, proposed := range k.c.proposed[partition] {
		if proposed.on == view.PartitionEpoch && slices.Contains(proposed.set, to) {
			k.fail("ThrottleSparesISR", "node %d holds back what node %d, proposed for the set, is to get of partition %d", p.node.index, to, partition)
		}
	}
}

// throttle limits replication, as kafka-reassign-partitions does, or ends that.
func (c *cluster) throttle() {
	if c.w.chance(0.25) {
		c.endThrottle()
		return
	}
	i := c.w.rng.IntN(len(c.topics))
	listed := [2]string{"*", "*"}
	switch c.w.rng.IntN(4) {
	case 0:
		listed[0] = ""
	case 1:
		listed[1] = ""
	case 2:
		listed[1] = "0:" + strconv.Itoa(c.w.rng.IntN(len(c.nodes)))
	}
	rate := strconv.Itoa(pick(c.w.rng, 0, 20, 200, 2000))
	c.w.note(-1, "partition %d: replication is throttled to "+rate, int64(i))
	c.throttled = true
	tries := 0
	c.setThrottles([]int{i}, &listed[0], &listed[1], &rate, func(image *meta.Image) bool {
		tries++
		return tries > 3 || c.healing || image.Configs.Of(brokerDefaults)["leader.replication.throttled.rate"] == rate
	})
}

var brokerDefaults = meta.Resource{Type: meta.BrokerResource}

// endThrottle ends all of that.
func (c *cluster) endThrottle() {
	c.w.note(-1, "no replication is throttled")
	tries := 0
	c.clearThrottles(func(image *meta.Image) bool {
		tries++
		return tries > 3 || len(image.Configs.Of(brokerDefaults)) == 0
	})
}

// healThrottles ends it for good: what somebody has asked for before may be decided late.
func (c *cluster) healThrottles() {
	if !c.throttled {
		return
	}
	end := c.w.now + 5*time.Second
	c.clearThrottles(func(*meta.Image) bool { return c.w.now > end })
}

func (c *cluster) clearThrottles(done func(*meta.Image) bool) {
	all := make([]int, len(c.topics))
	for i := range all {
		all[i] = i
	}
	c.setThrottles(all, nil, nil, nil, done)
}

// setThrottles alters the settings until that is done; nil clears one.
func (c *cluster) setThrottles(partitions []int, leaders, followers, rate *string, done func(*meta.Image) bool) {
	op := func(name string, value *string) controller.ConfigOp {
		if value == nil {
			return controller.ConfigOp{Name: name, Op: controller.DeleteConfig}
		}
		return controller.ConfigOp{Name: name, Value: value}
	}
	command := controller.AlterConfigs{Resources: []controller.AlterResource{{Resource: brokerDefaults, Ops: []controller.ConfigOp{
		op("leader.replication.throttled.rate", rate), op("follower.replication.throttled.rate", rate),
	}}}}
	for _, i := range partitions {
		command.Resources = append(command.Resources, controller.AlterResource{
			Resource: meta.Resource{Type: meta.TopicResource, Name: c.topics[i]}, Ops: []controller.ConfigOp{
				op("leader.replication.throttled.replicas", leaders), op("follower.replication.throttled.replicas", followers),
			}})
	}
	c.command(command, done)
}
