package explore

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/replica"
)

// broker is one machine: a disk and, where it is up, a process with its replica.
// It does not change once it is in its table.
type broker struct {
	node model.NodeID

	// The disk.
	log       diskLog
	normal    model.LeaderEpoch
	mark      model.Offset // the high watermark, as it is checkpointed
	directory uint8        // how often it was emptied
	unclean   bool         // power was lost since it registered last
	// lossy: it may lack what it has acknowledged, by a fault that replication.md
	// says so of. Only the checks look at it.
	lossy bool
	// seen is the greatest leader epoch that was applied.
	seen model.LeaderEpoch

	// The process; nil where it is down.
	machine *replica.Replica
	epoch   model.BrokerEpoch
	// ops are durable steps that wait, to be done in their order.
	ops []operation
}

// operation is SaveNormal, Truncate or StartOver.
type operation struct {
	kind   replica.EffectKind
	epoch  model.LeaderEpoch
	offset model.Offset
}

func (b *broker) up() bool { return b.machine != nil }

// clone is a broker that may be changed.
func (b *broker) clone() *broker {
	c := *b
	if b.machine != nil {
		c.machine = b.machine.Clone(&c.log)
	}
	c.ops = slices.Clip(c.ops)
	return &c
}

// key names a broker's state.
func (b *broker) key(to []byte) []byte {
	num := func(v int64) { to = binary.AppendVarint(to, v) }
	flag := func(v bool) {
		if v {
			num(1)
		} else {
			num(0)
		}
	}
	num(int64(b.node))
	num(int64(len(b.log.entries)))
	for _, e := range b.log.entries {
		num(int64(e.epoch))
		num(int64(e.value))
	}
	for epoch, start := range b.log.epochs.All() {
		num(int64(epoch))
		num(int64(start))
	}
	num(-1) // their end
	num(int64(b.log.synced))
	num(int64(b.normal))
	num(int64(b.mark))
	num(int64(b.directory))
	flag(b.unclean)
	flag(b.lossy)
	num(int64(b.seen))
	flag(b.up())
	if !b.up() {
		return to
	}
	num(int64(b.epoch))
	num(int64(len(b.ops)))
	for _, o := range b.ops {
		num(int64(o.kind))
		num(int64(o.epoch))
		num(int64(o.offset))
	}
	return b.machine.AppendState(to, now())
}

// now is the time of every event: what time brings are events of their own.
func now() time.Time { return time.Unix(1_900_000_000, 0).UTC() }

// lagMax is replica.lag.time.max.ms. No event but a lapse comes near it.
const lagMax = time.Hour

// retryAfter is longer than a leader waits before it repeats a proposal.
const retryAfter = time.Second

// packet is a message on its way; a Data message may carry one record.
type packet struct {
	replica.Message
	full  bool
	entry entry
}

func (p *packet) key(to []byte) []byte {
	to = p.AppendState(to)
	if p.full {
		to = binary.AppendVarint(append(to, 1), int64(p.entry.epoch))
		return append(to, p.entry.value)
	}
	return append(to, 0)
}

// step is one event at one broker, and what it brings about.
type step struct {
	*broker
	how    *Bounds
	packet *packet // the message that is being received

	sends     []outgoing
	proposals []replica.Change
	answer    *replica.Answer
	// before is the high watermark before the event. committed: a leader has moved it.
	before    model.Offset
	committed bool
	elected   bool // it has begun to lead
	problem   *Violation
}

type outgoing struct {
	to     model.NodeID
	packet packet
}

// carry carries out effects until there are none.
func (s *step) carry() {
	for {
		effects := slices.Clone(s.machine.Take())
		if len(effects) == 0 {
			break
		}
		for i := range effects {
			s.carryOne(&effects[i])
		}
	}
	s.mark = s.machine.HighWatermark()
	if err := s.machine.Check(); err != nil && s.problem == nil {
		s.problem = violated("ReplicaInvariants", "broker %d: %v", s.node, err)
	}
}

func (s *step) carryOne(e *replica.Effect) {
	switch e.Kind {
	case replica.StartEpoch:
		s.log.epochs.Begin(e.Epoch, s.log.EndOffset())
	case replica.SaveNormal, replica.Truncate, replica.StartOver:
		s.ops = append(slices.Clip(s.ops), operation{e.Kind, e.Epoch, e.Offset})
	case replica.Append:
		s.log.append(s.packet.entry)
		s.appended()
	case replica.Send:
		s.sends = append(s.sends, outgoing{e.Node, packet{Message: e.Message}})
	case replica.Committed:
		_, leads := s.machine.Leads()
		s.committed = s.committed || leads
	case replica.Propose:
		s.proposals = append(s.proposals, *e.Change)
	case replica.Reply:
		answer := e.Answer
		s.answer = &answer
	case replica.AdvanceStart:
		s.problem = violated("LogMatching", "broker %d moves its log's start, and nothing was deleted", s.node)
	}
}

func (s *step) appended() {
	s.machine.Appended(now())
	if s.how.Relaxed {
		s.machine.Synced(s.log.EndOffset(), now())
	}
}

// clientAppends is a produce request of one record.
func (s *step) clientAppends(value uint8) {
	epoch, _ := s.machine.Leads()
	s.log.append(entry{epoch, value})
	s.appended()
}

// sync makes the log durable.
func (s *step) sync() {
	s.log.synced = s.log.EndOffset()
	s.machine.Synced(s.log.synced, now())
}

// operate does the first of the durable steps that wait.
func (s *step) operate() {
	o := s.ops[0]
	s.ops = slices.Clone(s.ops[1:])
	switch o.kind {
	case replica.SaveNormal:
		if !plant.On(plant.NormalNotPersisted) {
			s.normal = o.epoch
		}
		s.machine.NormalSaved(o.epoch, now())
	case replica.Truncate:
		s.log.truncate(o.offset)
		s.machine.Truncated(now())
	case replica.StartOver:
		s.log.truncate(0)
		s.machine.Truncated(now())
	default:
		panic("explore: not a durable step")
	}
}

// receive takes a message.
func (s *step) receive(from model.NodeID, p *packet) {
	s.packet = p
	m := p.Message
	if p.full {
		m.NewestEpoch = p.entry.epoch
	}
	s.machine.Receive(from, m, now())
}

// push sends a follower the next record, or the high watermark alone.
func (s *step) push(to model.NodeID) {
	m, _ := s.machine.Next(to)
	p, end := packet{Message: m}, m.End
	if m.End < s.log.EndOffset() {
		p.full, p.entry, end = true, s.log.entries[m.End], m.End+1
	}
	s.machine.Sent(to, m, end)
	s.sends = append(s.sends, outgoing{to, p})
}

// apply takes a version of the metadata.
func (s *step) apply(v replica.View) {
	if v.LeaderEpoch < s.seen {
		s.problem = violated("EpochsNeverGoBack", "broker %d takes leader epoch %d after %d", s.node, v.LeaderEpoch, s.seen)
	}
	s.seen = v.LeaderEpoch
	before, led := s.machine.Leads()
	s.machine.Apply(v, now())
	after, leads := s.machine.Leads()
	s.elected = leads && (!led || before != after)
}

// start runs a process, whose registration is applied with its first view.
func (s *step) start(epoch model.BrokerEpoch, v replica.View) {
	s.epoch, s.unclean = epoch, false
	s.machine = replica.New(replica.Options{
		Node: s.node, BrokerEpoch: epoch, Log: &s.log, DurableEnd: s.log.synced, NormalEpoch: s.normal,
		HighWatermark: s.mark, LagMax: lagMax,
	})
	s.before = s.machine.HighWatermark()
	s.apply(v)
}

// crash ends the process. The page cache stays.
//
// Where an epoch starts becomes durable with its first record.
func (s *step) crash() {
	s.machine, s.ops, s.epoch = nil, nil, 0
	s.log.epochs.TruncateEnd(s.log.EndOffset())
}

// losePower ends the process and the page cache: of what was not synced the first
// records are kept.
func (s *step) losePower(kept model.Offset) {
	s.crash()
	s.unclean = true
	s.lossy = s.lossy || s.how.Relaxed && kept < s.log.EndOffset()
	s.log.truncate(kept)
	s.log.synced = s.log.EndOffset() // what is left was read from the disk
}

// empty replaces the disk.
func (s *step) empty() {
	s.log, s.normal, s.mark, s.seen = diskLog{}, model.NoLeaderEpoch, 0, model.NoLeaderEpoch
	s.directory++
	s.lossy, s.unclean = true, false
}
