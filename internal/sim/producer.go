package sim

import (
	"encoding/binary"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

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
// written, or what it wrote is deleted or was given up. It takes any sequence then, as Kafka does
// (KIP-360): where it refuses a batch for want of replicas or of a lease and takes the
// next, the first cannot be sent any more.
func (p *producer) mayBeUnknown() bool {
	k := p.c.checkers.partitions[p.partition]
	return p.inFlight[0].batch.BaseSequence() == 0 || k.ledger.start > 0 || k.Given.elections > 0
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
