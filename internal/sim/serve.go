package sim

import (
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/record"
)

// What a broker answers a producer, besides an offset.
type produceError uint8

const (
	errNone produceError = iota
	errNotLeader
	errNotEnoughReplicas
	errOutOfOrder
)

type produceAnswer struct {
	base model.Offset
	err  produceError
	// leader is who leads, as the broker knows it (KIP-951); NoNode where it does not.
	leader model.NodeID
}

// leaseGrace is how long after the end of its lease a broker still takes batches, which
// it acknowledges if the lease is renewed.
const leaseGrace = 950 * time.Millisecond

// produce takes a client's batch, and answers once it is committed or cannot be.
func (p *process) produce(i int, b record.Batch, answer func(produceAnswer)) {
	h := p.replicas[i]
	hint := model.NoNode
	if topic := p.image.Topics.ByName(p.c.topics[i]); topic != nil {
		hint = topic.Partitions[0].Leader
	}
	var epoch model.LeaderEpoch
	leads := false
	if h != nil {
		epoch, leads = h.machine.Leads()
	}
	if !leads || p.lease.Lapsed(p.clock()) >= leaseGrace {
		answer(produceAnswer{err: errNotLeader, leader: hint})
		return
	}
	sent, err := h.log.sequences.Check(b)
	switch {
	case err != nil:
		answer(produceAnswer{err: errOutOfOrder})
		return
	case sent != nil:
		if h.machine.HighWatermark() >= sent.End {
			answer(p.acknowledgement(sent.Base))
			return
		}
		h.waiters = append(h.waiters, waiter{end: sent.End, base: sent.Base, answer: answer})
		return
	case len(h.machine.View().ISR()) < h.machine.View().MinInsync:
		answer(produceAnswer{err: errNotEnoughReplicas})
		return
	case p.node.disk.full:
		p.fence("disk full")
		return
	}
	p.boundary()
	if p.dead {
		return
	}
	written := h.log.appendLeader(b, epoch)
	h.waiters = append(h.waiters, waiter{end: written.NextOffset(), base: written.BaseOffset(), answer: answer})
	p.c.ambush(onAppend, p.node, i)
	p.appended(i, h)
	p.carry(i)
}

// fetch reads for a consumer, from a leader or a follower (KIP-392).
func (p *process) fetch(i int, from model.Offset) (batches []record.Batch, ok bool) {
	h := p.replicas[i]
	if h == nil || !p.lease.Held(p.clock()) {
		return nil, false
	}
	p.c.checkers.LeaseExclusive.serves(p.c.checkers, p.node.index, p.brokerEpoch, "serves a read")
	hw := h.machine.HighWatermark()
	if plant.On(plant.ReadAboveHighWatermark) {
		hw = h.log.EndOffset()
	}
	for _, b := range h.log.from(from, 10) {
		if b.NextOffset() > hw {
			break
		}
		if b.CheckCRC() != nil {
			p.rotten()
			return nil, false
		}
		batches = append(batches, b)
	}
	return batches, true
}
