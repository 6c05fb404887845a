package explore

import (
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// kind of what happens at one broker.
type kind uint8

const (
	starts kind = iota
	applies
	appends
	pushes
	receives
	operates
	syncs
	asked
	lapses
	retries
	reconnects
	crashes
	losesPower
	empties
)

// happening is an event at one broker; what peer and arg are is up to kind.
type happening struct {
	kind kind
	peer uint8
	arg  uint32
}

type stepKey struct {
	broker ref
	happening
}

// outcome is what comes of a happening: the broker as it is then, and what leaves it.
type outcome struct {
	next      ref
	sends     []sending
	proposals []ref  // commands
	answer    uint32 // ref+1; 0: none
	before    model.Offset
	committed bool
	elected   bool
	problem   *Violation
}

type sending struct {
	to     model.NodeID
	packet ref
	stream replica.Stream
}

// stepsMax bounds the outcomes that are kept; they can be found again.
const stepsMax = 1 << 19

// outcome carries a happening out, once for all states that have the broker in common.
func (w *world) outcome(b ref, h happening) *outcome {
	key := stepKey{b, h}
	if o, ok := w.steps[key]; ok {
		return o
	}
	s := step{broker: w.brokers.get(b).clone(), how: &w.bounds}
	if s.up() {
		s.before = s.machine.HighWatermark()
	}
	w.perform(&s, h)
	if s.up() {
		s.carry()
		s.machine = s.machine.Clone(&s.log) // without the room that effects have taken
	}
	o := &outcome{next: w.putBroker(s.broker), before: s.before, committed: s.committed, elected: s.elected, problem: s.problem}
	for i := range s.sends {
		p := &s.sends[i].packet
		o.sends = append(o.sends, sending{s.sends[i].to, w.packets.put(p.key(nil), *p), p.Stream})
	}
	for i := range s.proposals {
		o.proposals = append(o.proposals, w.meta.proposal(s.broker, &s.proposals[i]))
	}
	if s.answer != nil {
		o.answer = w.meta.answer(s.broker, s.answer) + 1
	}
	if len(w.steps) == stepsMax {
		clear(w.steps)
	}
	w.steps[key] = o
	return o
}

func (w *world) perform(s *step, h happening) {
	switch h.kind {
	case starts:
		v := w.meta.versions.get(h.arg)
		s.start(v.image.Brokers.ByID(s.node).Epoch, v.view)
	case applies:
		s.apply(w.meta.versions.get(h.arg).view)
	case appends:
		s.clientAppends(uint8(h.arg))
	case pushes:
		s.push(model.NodeID(h.peer))
	case receives:
		p := w.packets.get(h.arg)
		s.receive(model.NodeID(h.peer), &p)
	case operates:
		s.operate()
	case syncs:
		s.sync()
	case asked:
		s.machine.Ask(model.LeaderEpoch(h.arg))
	case lapses:
		s.machine.Lapse(model.NodeID(h.peer))
		s.machine.Tick(now())
	case retries:
		s.machine.Tick(now().Add(retryAfter))
	case reconnects:
		s.machine.Reconnect(now())
	case crashes:
		s.crash()
	case losesPower:
		s.losePower(model.Offset(h.arg))
	case empties:
		s.empty()
	}
}

// happen has something happen at a broker, and brings what leaves it on its way.
func (w *world) happen(s *state, n model.NodeID, h happening) *Violation {
	o := w.outcome(s.brokers[n], h)
	if o.problem != nil {
		return o.problem
	}
	s.brokers[n] = o.next
	for _, out := range o.sends {
		if w.broker(s, out.to).up() {
			w.send(s, n, out)
		}
	}
	if len(o.proposals) > 0 || o.answer != 0 {
		w.tell(s, n, o)
	}
	return w.check(s, n, o)
}

// send puts a message on its way. An acknowledgement takes the place of the one
// before it in its stream, of which it says all; otherwise, where too much is in
// flight, the oldest is lost.
func (w *world) send(s *state, from model.NodeID, out sending) {
	q := slices.Clone(w.queues.get(s.channels[from][out.to]))
	if last := len(q) - 1; last >= 0 {
		a, b := w.packets.get(q[last]), w.packets.get(out.packet)
		if a.Kind == replica.Ack && b.Kind == replica.Ack && a.Stream == b.Stream && a.Epoch == b.Epoch {
			q = q[:last]
		}
	}
	if len(q) == w.bounds.InFlight {
		q = q[1:]
	}
	s.channels[from][out.to] = w.putQueue(append(q, out.packet))
}

// proposalsInFlight is how many of one broker's proposals are on their way: an old
// one may come after the next.
const proposalsInFlight = 2

// tell brings proposals and an answer on their way to the controller.
func (w *world) tell(s *state, n model.NodeID, o *outcome) {
	c := w.controls.get(s.control)
	c.proposals = slices.Clone(c.proposals)
	for _, p := range o.proposals {
		if slices.Contains(c.proposals, p) {
			continue
		}
		own := func(r ref) bool { return w.meta.proposer(r) == n }
		if count(c.proposals, own) == proposalsInFlight {
			oldest := slices.IndexFunc(c.proposals, own)
			c.proposals = slices.Delete(c.proposals, oldest, oldest+1)
		}
		c.proposals = append(c.proposals, p)
	}
	if o.answer != 0 {
		c.answers[n], c.arrived[n] = o.answer, false
	}
	s.control = w.putControl(w.pruned(s, c))
}

func count(refs []ref, of func(ref) bool) int {
	n := 0
	for _, r := range refs {
		if of(r) {
			n++
		}
	}
	return n
}

// pruned is what of it may still do something: whatever is overtaken, and would be
// refused by the controller as it is now, goes.
func (w *world) pruned(s *state, c control) control {
	newest := w.newest(s)
	v := w.meta.versions.get(newest)
	c.proposals = slices.DeleteFunc(slices.Clone(c.proposals), func(p ref) bool {
		return w.meta.proposedAt(p) < v.partition.PartitionEpoch && !w.meta.decide(newest, p).changes
	})
	if c.elect != 0 && w.meta.electedAfter(c.elect-1) < v.partition.LeaderEpoch && !w.meta.decide(newest, c.elect-1).changes {
		c.elect = 0
	}
	for n, a := range c.answers {
		if a == 0 {
			continue
		}
		answer := w.meta.answers.get(a - 1)
		b := v.image.Brokers.ByID(model.NodeID(n))
		if answer.BrokerEpoch != b.Epoch || answer.Items[0].LeaderEpoch != v.partition.LeaderEpoch ||
			v.partition.Leader != model.NoNode || b.Fenced && c.arrived[n] {
			c.answers[n], c.arrived[n] = 0, false
		}
	}
	return c
}

// heard is what the controller knows of the election that is under way.
func (w *world) heard(s *state, c *control) electionKey {
	key := electionKey{version: w.newest(s)}
	for n, a := range c.answers {
		if c.arrived[n] {
			key.answers[n] = a
		}
	}
	return key
}

// pursue has the controller go on with an election after something has changed.
func (w *world) pursue(s *state, c control) {
	c = w.pruned(s, c)
	if campaign := w.meta.pursue(w.heard(s, &c)); campaign.elect != 0 {
		c.elect = campaign.elect
	}
	s.control = w.putControl(c)
}

// commit puts what a command makes of the newest version into the metadata log.
func (w *world) commit(s *state, command ref) (changes bool) {
	d := w.meta.decide(w.newest(s), command)
	if !d.changes {
		return false
	}
	w.setLog(s, append(slices.Clone(w.logs.get(s.log)), d.next))
	w.pursue(s, w.controls.get(s.control))
	return true
}
