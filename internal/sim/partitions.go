package sim

import (
	"slices"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
)

const (
	// windowOffsets bounds what a follower is sent beyond what it has synced.
	windowOffsets = 64
	// messageBatches is how many batches one message carries at most.
	messageBatches = 4
)

// carry carries out the effects of a replica, and sends its followers what they
// lack.
func (p *process) carry(i int) {
	h := p.replicas[i]
	if h == nil || h.carrying {
		return // it is not here any more, or the loop below takes what is new
	}
	h.carrying = true
	for !p.dead && !p.w.halt {
		h.effects = append(h.effects[:0], h.machine.Take()...)
		if len(h.effects) == 0 {
			break
		}
		for k := range h.effects {
			p.carryOne(i, h, &h.effects[k])
			if p.dead || p.w.halt {
				return
			}
		}
	}
	h.carrying = false
	if p.dead || p.w.halt || p.replicas[i] != h {
		return
	}
	if err := h.machine.Check(); err != nil {
		p.c.checkers.fail("ReplicaInvariants", "node %d partition %d: %v", p.node.index, i, err)
		return
	}
	p.push(i)
	if next, ok := h.machine.NextTick(p.clock()); ok {
		p.arm(&h.tick, next, func() {
			h.machine.Tick(p.clock())
			p.carry(i)
		})
	}
}

func (p *process) carryOne(i int, h *host, e *replica.Effect) {
	d := p.node.disk
	now := p.clock
	switch e.Kind {
	case replica.StartEpoch:
		h.log.epochs.Begin(e.Epoch, h.log.EndOffset())
	case replica.SaveNormal:
		epoch := e.Epoch
		d.submit(operation{run: p, lane: onFiles, change: func() {
			if !plant.On(plant.NormalNotPersisted) && p.replicas[i] == h {
				d.normal[i] = epoch
			}
		}, done: func() {
			h.machine.NormalSaved(epoch, now())
			p.carry(i)
			if p.replicas[i] == h {
				p.c.ambush(onNormal, p.node, i)
				p.c.doom(p.node, i)
			}
		}})
	case replica.Truncate, replica.StartOver:
		p.cut(i, h, e)
	case replica.Append:
		p.appendIncoming(i, h)
	case replica.Send:
		p.send(i, e.Node, e.Message, nil)
	case replica.Committed:
		p.committed(i, h)
	case replica.Propose:
		p.propose(i, e.Change)
	case replica.AdvanceStart:
		h.log.advanceStart(e.Offset)
	case replica.Reply:
		p.reply(i, h, e.Answer)
	}
}

func (p *process) cut(i int, h *host, e *replica.Effect) {
	now := p.clock
	to, over := e.Offset, e.Kind == replica.StartOver
	lost := len(h.log.batches) - h.log.at(to)
	p.w.note(p.node.index, "partition %d: truncates to %d, %d batches", int64(i), int64(to), int64(lost))
	if lost > 0 {
		p.c.stats.Truncations++
	}
	p.node.disk.submit(operation{run: p, change: func() {
		if over {
			h.log.startOver(to)
		} else {
			h.log.truncate(to)
		}
	}, done: func() {
		h.hw = min(h.hw, h.log.EndOffset())
		p.node.disk.marks[i] = min(p.node.disk.marks[i], h.hw)
		h.machine.Truncated(now())
		p.carry(i)
	}})
}

// sync makes what is written durable: one operation for all logs, in which what is
// written before it begins takes part.
func (p *process) sync() {
	if p.syncQueued {
		return
	}
	p.syncQueued = true
	d := p.node.disk
	logs := make([]*partitionLog, len(d.logs)) // as they were
	ends := make([]model.Offset, len(d.logs))
	before := make([]model.Offset, len(d.logs))
	d.submit(operation{
		run: p,
		begin: func() {
			p.syncQueued = false
			copy(logs, d.logs)
			for i, l := range logs {
				if l != nil {
					ends[i] = l.EndOffset()
				}
			}
		},
		change: func() {
			for i, l := range logs {
				if l != nil {
					before[i] = l.synced
					l.synced = max(l.synced, min(ends[i], l.EndOffset()))
				}
			}
		},
		done: func() {
			for i, h := range p.replicas {
				if h != nil && !p.dead && h.log == logs[i] && h.log.synced > before[i] {
					h.machine.Synced(h.log.synced, p.clock())
					p.carry(i)
				}
			}
		},
	})
}

// appended: a log has grown. Where the topic's settings say so, it counts as durable
// before it is.
func (p *process) appended(i int, h *host) {
	h.machine.Appended(p.clock())
	if p.c.relaxed[i] {
		h.machine.Synced(h.log.EndOffset(), p.clock())
		return
	}
	p.sync()
}

func (p *process) appendIncoming(i int, h *host) {
	if p.node.disk.full {
		p.fence("disk full")
		return
	}
	p.boundary()
	if p.dead {
		return
	}
	for _, b := range h.incoming {
		h.log.appendFollower(b)
	}
	h.incoming = nil
	p.appended(i, h)
}

// committed tells the checkers of a new high watermark, and those who wait for it.
func (p *process) committed(i int, h *host) {
	from, to := h.hw, h.machine.HighWatermark()
	h.hw = to
	p.node.disk.marks[i] = to
	if _, leads := h.machine.Leads(); !leads {
		p.c.checkers.follows(p, i, from, to)
		return
	}
	p.c.checkers.committed(p, i, from, to)
	if epoch, _ := h.machine.Leads(); epoch != h.committedIn {
		h.committedIn = epoch
		p.c.ambush(onCommit, p.node, i)
	}
	keep := h.waiters[:0]
	var done []waiter
	for _, w := range h.waiters {
		if w.end <= to {
			done = append(done, w)
		} else {
			keep = append(keep, w)
		}
	}
	h.waiters = keep
	for _, w := range done {
		w.answer(p.acknowledgement(w.base))
	}
}

// acknowledgement is the answer for a batch that is committed, where the broker may
// give it.
func (p *process) acknowledgement(base model.Offset) produceAnswer {
	if !p.lease.Held(p.clock()) {
		return produceAnswer{err: errNotLeader, leader: model.NoNode}
	}
	p.c.checkers.LeaseExclusive.serves(p.c.checkers, p.node.index, p.brokerEpoch, "acknowledges a batch")
	return produceAnswer{base: base}
}

// send brings a message to another replica, along the follower's stream.
func (p *process) send(i int, to model.NodeID, m replica.Message, batches []record.Batch) {
	follower, leader, toLeader := p.node.index, int(to), true
	if m.Kind != replica.Position && m.Kind != replica.Ack {
		follower, leader, toLeader = int(to), p.node.index, false
	}
	from := p.node.id()
	p.c.net.onStream(follower, leader, toLeader, func(dst *process) { dst.receive(i, from, m, batches) })
}

// receive takes a replica's message.
func (p *process) receive(i int, from model.NodeID, m replica.Message, batches []record.Batch) {
	h := p.replicas[i]
	if h == nil {
		return
	}
	if m.Kind == replica.Data && len(batches) > 0 {
		if !intact(batches, m.End) {
			h.machine.Reconnect(p.clock()) // as refused data breaks the connection
			p.carry(i)
			return
		}
		m.NewestEpoch = model.NoLeaderEpoch
		for _, b := range batches {
			m.NewestEpoch = max(m.NewestEpoch, b.LeaderEpoch())
		}
	}
	if m.Kind == replica.Agreed {
		p.c.ambush(onAgreed, p.node, i)
	}
	h.incoming = batches
	h.machine.Receive(from, m, p.clock())
	p.carry(i)
	h.incoming = nil
}

// intact: the batches can be read, and begin where they are said to.
func intact(batches []record.Batch, start model.Offset) bool {
	unreadable := func(b record.Batch) bool { return b.CheckCRC() != nil }
	return batches[0].BaseOffset() == start && !slices.ContainsFunc(batches, unreadable)
}

// push sends followers what they lack, within the window.
func (p *process) push(i int) {
	h := p.replicas[i]
	if _, leads := h.machine.Leads(); !leads {
		return
	}
	for _, member := range h.machine.View().Members {
		if !p.pushTo(i, h, member.Node) {
			return
		}
	}
}

// pushTo returns false where the node has found a batch that it cannot read. While a
// read for the follower is under way, what comes next waits.
func (p *process) pushTo(i int, h *host, to model.NodeID) bool {
	for !h.reading[to] {
		m, ok := h.machine.Next(to)
		if !ok {
			break
		}
		batches := h.log.from(m.End, messageBatches)
		if m.End < m.Start || h.machine.Unacknowledged(to) >= windowOffsets {
			batches = nil
		}
		if len(batches) > 0 && p.heldBack(i, h, to, batches) {
			break
		}
		end := m.End
		for _, b := range batches {
			if b.CheckCRC() != nil {
				p.rotten()
				return false
			}
			end = b.NextOffset()
		}
		h.machine.Sent(to, m, end)
		p.sendData(i, to, m, batches)
		if len(batches) == 0 {
			break
		}
	}
	return true
}

// sendData sends batches; now and then the disk takes its time to read them, and
// the node's role may be another by then.
func (p *process) sendData(i int, to model.NodeID, m replica.Message, batches []record.Batch) {
	h := p.replicas[i]
	var takes time.Duration
	switch ambushed := int(to) == h.slowTo && h.slowFrom > 0 && p.w.now >= h.slowFrom && p.w.now < h.slowUntil; {
	case len(batches) == 0:
	case ambushed:
		takes = h.slowUntil - p.w.now
	case p.w.chance(p.c.slowReads):
		takes = p.w.skewed(time.Millisecond, time.Second)
	default:
		p.c.slowRead(p, int(to), h)
	}
	if takes == 0 {
		p.send(i, to, m, batches)
		return
	}
	h.reading[to] = true
	p.w.schedule(takes, p, func() {
		h.reading[to] = false
		p.send(i, to, m, h.log.from(m.End, len(batches)))
		if p.replicas[i] == h {
			p.push(i)
		}
	})
}

// rotten: a batch below the log's end cannot be read. The directory is given up:
// the node stops, and comes back with an empty disk.
func (p *process) rotten() {
	p.c.stats.RottenFound++
	n := p.node
	n.crash(killed, "a batch cannot be read")
	p.c.emptyWhenSafe(n)
}

// streamOpened: there is a new connection to a leader.
func (p *process) streamOpened(leader int) {
	for i, h := range p.replicas {
		if h != nil && h.machine.View().Leader == model.NodeID(leader) {
			h.machine.Reconnect(p.clock())
			p.carry(i)
			if p.dead {
				return
			}
		}
	}
}

func (p *process) propose(i int, change *replica.Change) {
	topic := p.image.Topics.ByName(p.c.topics[i])
	if topic == nil {
		return
	}
	command := controller.AlterISR{Node: p.node.id(), BrokerEpoch: p.brokerEpoch, Changes: []controller.ISRChange{{
		Topic: topic.ID, LeaderEpoch: change.LeaderEpoch, PartitionEpoch: change.PartitionEpoch, Lost: change.Lost,
	}}}
	for _, m := range change.ISR {
		command.Changes[0].ISR = append(command.Changes[0].ISR, controller.ISRMember{Node: m.Node, BrokerEpoch: m.BrokerEpoch})
	}
	p.c.stats.Proposals++
	h := p.replicas[i]
	if delay := p.noteProposal(i, change); delay > 0 {
		h.proposalsFrom = p.w.now + delay
	}
	send := func() { p.toController(func(dst *process) { dst.submit(command) }) }
	p.w.schedule(h.proposalsFrom-p.w.now, p, send)
	if p.w.chance(p.c.net.copies) {
		// A copy that the controller has not read for a while, its sender perhaps gone.
		change := *change
		p.w.after(p.w.between(100*time.Millisecond, 4*time.Second), func() {
			for leader := range p.c.controllers() {
				leader.submit(command)
				p.c.copied(i, len(change.ISR))
			}
		})
	}
}

// noteProposal keeps what may come into force, for faults that must not take the
// last copy, and lets others lie in wait.
func (p *process) noteProposal(i int, change *replica.Change) (delay time.Duration) {
	recent := p.c.proposed[i]
	for len(recent) > 0 && recent[0].on < change.PartitionEpoch {
		recent = recent[1:]
	}
	isr := make([]model.NodeID, len(change.ISR))
	view := p.replicas[i].machine.View()
	for k, m := range change.ISR {
		isr[k] = m.Node
		for _, member := range view.Members {
			if member.Node == m.Node && (!member.InSync || member.Lost) {
				delay = p.c.emptyJoiner(p.node, p.c.nodes[m.Node], i)
			}
		}
	}
	p.c.proposed[i] = append(recent, proposal{change.PartitionEpoch, isr})
	p.c.ambush(onPropose, p.node, i)
	return delay
}
