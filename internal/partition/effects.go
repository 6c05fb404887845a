package partition

import (
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// needsDisk tells the effects that wait for the disk. They come of two events
// only: Apply, which holds role, and a leader's message, which holds receiving and
// shares role. So no event that could contradict them comes in between.
func needsDisk(e replica.Effect) bool {
	switch e.Kind {
	case replica.StartEpoch, replica.Truncate, replica.StartOver, replica.Append, replica.AdvanceStart:
		return true
	case replica.SaveNormal, replica.Send, replica.Committed, replica.Propose, replica.Reply:
	}
	return false
}

// settleLocked carries out the effects of an event that has none for the disk.
func (p *Partition) settleLocked(now time.Time) {
	if err := p.performLocked(nil, now); err != nil {
		panic(fmt.Sprintf("partition %s: an event without disk effects failed: %v", p.name, err))
	}
}

// settleToPushLocked is settleLocked of one who calls Peers' Push afterwards, with mu
// released.
func (p *Partition) settleToPushLocked(now time.Time) {
	p.mu.sender = CallerSends
	p.settleLocked(now)
	p.mu.sender = StreamSends
}

// performLocked carries out what the replica wants done, in order, and what
// follows from that; batches came with the message that is being received. It is
// called with mu held, lets go of it while the disk is at work, and returns with it.
func (p *Partition) performLocked(batches []byte, now time.Time) error {
	effects := p.mu.replica.Take()
	for len(effects) > 0 {
		disk := slices.IndexFunc(effects, needsDisk)
		if disk < 0 {
			disk = len(effects)
		}
		for i := range effects[:disk] {
			p.doLocked(&effects[i])
		}
		if disk == len(effects) {
			effects = p.mu.replica.Take()
			continue
		}
		// What Take has returned is good until the next event.
		e := effects[disk]
		p.rest = append(p.rest[:0], effects[disk+1:]...)
		p.mu.sender = StreamSends // others come in between, who do not push
		if err := p.onDisk(e, batches); err != nil {
			return err
		}
		p.rest = append(p.rest, p.mu.replica.Take()...)
		effects = p.rest
	}
	p.wakeFollowersLocked()
	p.armLocked(now)
	return nil
}

// doLocked carries out what takes no time.
func (p *Partition) doLocked(e *replica.Effect) {
	switch e.Kind {
	case replica.Committed:
		if state := p.state.Load(); state.Leading {
			if p.set.debug {
				p.set.logger.Debug("ISR quorum reached", "partition", p.name, "offset", e.Offset, "isr", state.ISR,
					"quorum", isr.CommitQuorum(len(state.ISR), state.MinInsync))
			}
			p.mu.committed.reached(e.Offset)
		}
		p.notifyLocked()
	case replica.Send:
		if p.set.debug && e.Message.Kind == replica.Ack {
			p.set.logger.Debug("ACK sent to leader", "partition", p.name, "offset", e.Message.End, "leader", e.Node)
		}
		p.set.options.Peers.Send(e.Node, p, e.Message, p.mu.sender)
	case replica.SaveNormal:
		p.set.normals.save(p, e.Epoch)
	case replica.Propose:
		p.set.options.Controller.Propose(p.topic, p.name.Partition, *e.Change)
	case replica.Reply:
		p.set.options.Controller.Answer(p.topic, p.name.Partition, e.Answer)
	case replica.StartEpoch, replica.Truncate, replica.StartOver, replica.Append, replica.AdvanceStart:
		panic("partition: an effect for the disk")
	}
}

// onDisk carries one effect out with mu released, and tells the replica.
func (p *Partition) onDisk(e replica.Effect, batches []byte) error {
	p.mu.Unlock()
	err := p.carryOut(e, batches)
	p.mu.Lock()
	if err != nil {
		if e.Kind == replica.Truncate || e.Kind == replica.StartOver {
			p.goOfflineLocked(err) // half cut, it is no log to follow with
		}
		return err
	}
	now := time.Now()
	switch e.Kind {
	case replica.Truncate, replica.StartOver:
		p.mu.durableEnd = p.log().DurableEnd()
		p.mu.replica.Truncated(now)
		p.notifyLocked()
	case replica.Append:
		p.mu.replica.Appended(now)
	case replica.AdvanceStart:
		p.notifyLocked()
	case replica.StartEpoch, replica.SaveNormal, replica.Send, replica.Committed, replica.Propose, replica.Reply:
	}
	return nil
}

func (p *Partition) carryOut(e replica.Effect, batches []byte) error {
	switch e.Kind {
	case replica.StartEpoch:
		// Before a record of the epoch is written, so that a follower that asks where
		// the epoch begins gets an answer even while it is empty (KIP-101).
		return p.log().StartEpoch(e.Epoch)
	case replica.Truncate:
		before := p.log().EndOffset()
		if err := p.log().TruncateTo(e.Offset); err != nil {
			return err
		}
		p.set.logger.Info("Truncated to where the log agrees with the leader's", "partition", p.name, "from", before, "to", p.log().EndOffset())
	case replica.StartOver:
		p.set.logger.Info("Starting over where the leader's log begins", "partition", p.name, "from", p.log().EndOffset(), "to", e.Offset)
		return p.log().TruncateFullyAndStartAt(e.Offset)
	case replica.Append:
		_, err := p.log().AppendFollower(batches)
		return err
	case replica.AdvanceStart:
		return p.log().AdvanceStart(e.Offset)
	case replica.SaveNormal, replica.Send, replica.Committed, replica.Propose, replica.Reply:
	}
	return nil
}

// wakeFollowersLocked tells the streams of the followers for which there is something.
func (p *Partition) wakeFollowersLocked() {
	if _, leads := p.mu.replica.Leads(); !leads || p.mu.failed != nil {
		return
	}
	end := p.log().EndOffset()
	members := p.mu.replica.View().Members
	for i := range members {
		if m, ok := p.mu.replica.Next(members[i].Node); ok {
			due := Due{Batches: m.End < end, Outside: p.mu.replica.Outside(members[i].Node)}
			p.set.options.Peers.Wake(members[i].Node, p, due, p.mu.sender)
		}
	}
}

// armLocked sees to it that the replica's Tick is called when it wants to be. An
// alarm that is set for earlier stays: it looks again.
func (p *Partition) armLocked(now time.Time) {
	at, ok := p.mu.replica.NextTick(now)
	if !ok || p.mu.failed != nil || !p.mu.tickAt.IsZero() && !at.Before(p.mu.tickAt) {
		return
	}
	wait := max(at.Sub(now), 0)
	p.mu.tickAt = at
	if p.mu.tick == nil {
		p.mu.tick = time.AfterFunc(wait, p.tick)
		return
	}
	p.mu.tick.Reset(wait)
}

// tick is the replica's alarm.
func (p *Partition) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.tickAt = time.Time{}
	if p.mu.failed != nil {
		return
	}
	now := time.Now()
	p.mu.replica.Tick(now)
	p.settleLocked(now)
}

// normalSaved tells that the normal epoch is durable.
func (p *Partition) normalSaved(epoch model.LeaderEpoch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.failed != nil {
		return
	}
	now := time.Now()
	p.mu.replica.NormalSaved(epoch, now)
	p.settleLocked(now)
}

// Ask takes an election's question; the answer goes to Options.Controller, at
// once or when its epoch is applied.
func (p *Partition) Ask(epoch model.LeaderEpoch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.failed != nil {
		return
	}
	p.mu.replica.Ask(epoch)
	p.settleLocked(time.Now())
}
