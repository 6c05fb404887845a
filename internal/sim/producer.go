package sim

import (
	"encoding/binary"
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
	if !leads || !p.lease.Held(p.clock()) {
		answer(produceAnswer{err: errNotLeader, leader: hint})
		return
	}
	base, sent, err := h.log.sequences.Check(b)
	switch {
	case err != nil:
		answer(produceAnswer{err: errOutOfOrder})
		return
	case sent:
		end := base + model.Offset(b.LastOffsetDelta()) + 1
		if h.machine.HighWatermark() >= end {
			answer(p.acknowledgement(base))
			return
		}
		h.waiters = append(h.waiters, waiter{end: end, base: base, answer: answer})
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

// producer is a client that writes to one partition with acks=-1. An idempotent
// one has up to five batches under way and sends them again in order; another has one,
// and may write it twice.
type producer struct {
	c          *cluster
	partition  int
	id         model.ProducerID
	idempotent bool
	sequence   model.Sequence
	value      uint64

	leader     int
	connection *connection
	inFlight   []*sending
	until      time.Duration // it stops making new batches
	due        time.Duration // when it makes the next
	epoch      model.ProducerEpoch
	lastError  produceError
	retrying   bool
}

// connection is a producer's to a broker. Requests arrive in order: where one is
// lost, nothing follows.
type connection struct {
	broken    bool
	abandoned bool // the client has another; what is under way may still arrive
	// arrival is when the newest request and the newest answer arrive.
	arrival [2]time.Duration
}

// carry brings a request (way 0) or an answer (way 1) along a connection.
func (n *network) carry(conn *connection, way int, arrive func()) {
	if n.w.chance(n.loss) {
		n.lost++
		conn.broken = true // the client's timeout finds it
	}
	at := max(n.w.now+n.latency(), conn.arrival[way])
	conn.arrival[way] = at
	n.w.after(at-n.w.now, func() {
		if conn.abandoned && n.w.chance(0.5) {
			conn.broken = true
		}
		if !conn.broken {
			arrive()
		}
	})
}

type sending struct {
	batch record.Batch
	sent  time.Duration
}

// inFlightMax is Java's max.in.flight.requests.per.connection.
const inFlightMax = 5

func (p *producer) begin() {
	p.connection = new(connection)
	p.leader = p.c.w.rng.IntN(len(p.c.nodes))
	p.next()
}

// next makes a batch, now and again.
func (p *producer) next() {
	w := p.c.w
	most := 1
	if p.idempotent {
		most = inFlightMax
	}
	if w.now < p.until && w.now >= p.due && len(p.inFlight) < most && !p.retrying {
		p.due = w.now + w.between(p.c.pace/2, p.c.pace*3/2)
		s := &sending{batch: p.build()}
		p.inFlight = append(p.inFlight, s)
		p.send(s)
	}
	if w.now < p.until || len(p.inFlight) > 0 {
		w.after(w.between(p.c.poll()/2, p.c.poll()*3/2), p.next)
	}
	p.checkTimeouts()
}

func (p *producer) build() record.Batch {
	count := 1 + p.c.w.rng.IntN(3)
	o := record.BuildOptions{}
	if p.idempotent {
		o.Producer = &record.Producer{ID: p.id, Epoch: p.epoch, BaseSequence: p.sequence}
	}
	p.sequence += model.Sequence(count)
	return p.fill(o, count)
}

// fill makes a batch of records that nobody has made before.
func (p *producer) fill(o record.BuildOptions, count int) record.Batch {
	b := record.NewBuilder(o)
	for range count {
		p.value++
		var value [16]byte
		binary.BigEndian.PutUint64(value[:8], uint64(p.id))
		binary.BigEndian.PutUint64(value[8:], p.value)
		b.Append(model.TimestampOf(p.c.w.clock()), nil, value[:])
	}
	return b.Build()
}

// send sends a batch along the connection: in order, until it breaks.
func (p *producer) send(s *sending) {
	s.sent = p.c.w.now
	conn, target := p.connection, p.leader
	p.c.net.carry(conn, 0, func() {
		p.c.nodes[target].deliver(func(dst *process) {
			dst.produce(p.partition, s.batch, func(a produceAnswer) {
				p.c.net.carry(conn, 1, func() { p.answered(conn, s, a) })
			})
		})
	})
}

func (p *producer) answered(conn *connection, s *sending, a produceAnswer) {
	if conn != p.connection {
		return
	}
	if a.err != errNone {
		p.lastError = a.err
	}
	switch a.err {
	case errNone:
		p.acknowledged(s, a.base)
	case errNotLeader:
		if a.leader != model.NoNode && p.c.w.chance(0.7) {
			p.retry(int(a.leader), 0)
			return
		}
		p.retry(-1, p.c.w.between(10*time.Millisecond, 100*time.Millisecond))
	case errOutOfOrder:
		if s == p.inFlight[0] && p.mayBeUnknown() {
			p.bumpEpoch()
		}
		p.retry(p.leader, p.c.w.between(20*time.Millisecond, 100*time.Millisecond))
	case errNotEnoughReplicas:
		p.retry(p.leader, p.c.w.between(20*time.Millisecond, 100*time.Millisecond))
	}
}

func (p *producer) acknowledged(s *sending, base model.Offset) {
	for i, other := range p.inFlight {
		if other == s {
			p.inFlight = append(p.inFlight[:i:i], p.inFlight[i+1:]...)
			p.c.stats.Acked++
			k := p.c.checkers
			k.partitions[p.partition].NoAckedLoss.check(k, p.partition, s.batch, base)
			return
		}
	}
}

// mayBeUnknown: a leader may not know this producer, because its first batch is not
// written or what it wrote is deleted. It takes any sequence then, as Kafka does
// (KIP-360): where it refuses a batch for want of replicas or of a lease and takes the
// next, the first cannot be sent any more.
func (p *producer) mayBeUnknown() bool {
	return p.inFlight[0].batch.BaseSequence() == 0 || p.c.checkers.partitions[p.partition].ledger.start > 0
}

// bumpEpoch begins the sequences anew, as the Java client does (KIP-360).
func (p *producer) bumpEpoch() {
	p.epoch++
	p.sequence = 0
	for _, s := range p.inFlight {
		o := record.OptionsOf(s.batch)
		o.Producer.Epoch, o.Producer.BaseSequence = p.epoch, p.sequence
		p.sequence += model.Sequence(s.batch.Count())
		s.batch = p.fill(o, int(s.batch.Count()))
	}
}

// retry opens another connection, to a node or (-1) whoever a random node says
// leads, and sends everything again that is not acknowledged, in order.
func (p *producer) retry(to int, wait time.Duration) {
	p.connection.abandoned = true
	p.connection = new(connection)
	p.retrying = true
	conn := p.connection
	w := p.c.w
	w.after(wait, func() {
		if conn != p.connection {
			return
		}
		p.retrying = false
		if to < 0 {
			to = p.c.leaderAsToldBy(w.rng.IntN(len(p.c.nodes)), p.partition)
		}
		p.leader = to
		for _, s := range p.inFlight {
			p.send(s)
		}
	})
}

// checkTimeouts gives a connection up on which nothing has come for too long.
func (p *producer) checkTimeouts() {
	if p.retrying || len(p.inFlight) == 0 {
		return
	}
	if p.c.w.now-p.inFlight[0].sent > p.c.requestTimeout {
		p.retry(-1, 0)
	}
}

// consumer reads a partition from its start, from whichever replica it picks, and
// has the checkers look at everything.
type consumer struct {
	c         *cluster
	partition int
	offset    model.Offset
	until     time.Duration
	from      int // the replica it reads from
}

func (r *consumer) begin() {
	r.from = r.c.w.rng.IntN(len(r.c.nodes))
	r.poll()
}

func (r *consumer) poll() {
	w := r.c.w
	if w.now >= r.until {
		return
	}
	pause := w.between(r.c.poll(), r.c.poll()*6)
	if r.c.healing {
		pause = r.c.poll() / 4
	}
	w.after(pause, r.poll)
	if w.chance(0.1) {
		r.from = w.rng.IntN(len(r.c.nodes))
	}
	if w.chance(0.02) && w.now < r.c.plan.faultsEnd {
		r.offset = 0
	}
	w.after(r.c.net.latency(), func() {
		r.c.nodes[r.from].deliver(func(p *process) {
			batches, ok := p.fetch(r.partition, r.offset)
			if !ok {
				r.from = r.c.leaderAsToldBy(w.rng.IntN(len(r.c.nodes)), r.partition)
				return
			}
			k := r.c.checkers
			for _, b := range batches {
				k.partitions[r.partition].Reads.check(k, p.node.index, r.partition, b)
				r.offset = b.NextOffset()
			}
		})
	})
}

// poll is how often clients look at what there is to do.
func (c *cluster) poll() time.Duration { return min(c.pace, 400*time.Millisecond) }
