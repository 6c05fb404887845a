package explore

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// eventKind is what can happen next: something at a broker, or at the controller.
type eventKind uint8

const (
	atBroker eventKind = iota
	delivers
	decides // a proposal
	elects
	hears // an answer
	fences
	unfences
	configures
	holds // a lane
)

// event is one thing that can happen in a state. The list of a state's events is
// the same whenever it is made, so that its place in it names an event.
type event struct {
	kind eventKind
	node uint8
	what happening
	arg  uint32
}

// events appends what can happen in a state. While something is due that is not
// held, it happens, or is held. Otherwise something that is held goes on, or
// something happens that nothing has led to.
func (w *world) events(s *state, to []event) []event {
	w.all = w.due(s, w.all[:0])
	if d, ok := s.unheld(w.all); ok {
		to = append(to, d.event)
		if int(s.spent.delays) < w.bounds.Delays {
			to = append(to, event{kind: holds, arg: uint32(bits.TrailingZeros64(uint64(d.lane)))})
		}
		return to
	}
	for _, d := range w.all {
		to = append(to, d.event)
	}
	for n := range model.NodeID(brokers) {
		b := w.broker(s, n)
		if !b.up() {
			to = append(to, local(n, starts, 0, 0))
			if int(s.spent.losses) < w.bounds.Losses {
				to = append(to, local(n, empties, 0, 0))
			}
			continue
		}
		to = w.eventsReplica(s, b, to)
		to = w.eventsCrash(s, b, to)
	}
	return w.eventsController(s, to)
}

func local(n model.NodeID, k kind, peer model.NodeID, arg uint32) event {
	return event{kind: atBroker, node: uint8(n), what: happening{k, uint8(peer), arg}}
}

func (w *world) eventsReplica(s *state, b *broker, to []event) []event {
	if _, leads := b.machine.Leads(); !leads {
		if b.machine.View().Leader != model.NoNode && int(s.spent.breaks) < w.bounds.Breaks {
			to = append(to, local(b.node, reconnects, 0, 0))
		}
		return to
	}
	if int(s.spent.records) < w.bounds.Records {
		to = append(to, local(b.node, appends, 0, uint32(s.spent.records)+1))
	}
	for peer := range model.NodeID(brokers) {
		// A lag without a consequence may as well come later.
		lapse := happening{lapses, uint8(peer), 0}
		if peer != b.node && int(s.spent.changes) < w.bounds.Changes && len(w.outcome(s.brokers[b.node], lapse).proposals) > 0 {
			to = append(to, event{kind: atBroker, node: uint8(b.node), what: lapse})
		}
	}
	if o := w.outcome(s.brokers[b.node], happening{kind: retries}); o.next != s.brokers[b.node] || len(o.proposals) > 0 {
		to = append(to, local(b.node, retries, 0, 0))
	}
	return to
}

func (w *world) eventsCrash(s *state, b *broker, to []event) []event {
	if int(s.spent.crashes) >= w.bounds.Crashes {
		return to
	}
	to = append(to, local(b.node, crashes, 0, 0))
	if int(s.spent.losses) >= w.bounds.Losses {
		return to
	}
	for kept := b.log.synced; kept < b.log.EndOffset(); kept++ {
		to = append(to, local(b.node, losesPower, 0, uint32(kept)))
	}
	return to
}

func (w *world) eventsController(s *state, to []event) []event {
	v := w.meta.versions.get(w.newest(s))
	for n := range model.NodeID(brokers) {
		if !v.image.Brokers.ByID(n).Fenced && int(s.spent.elections) < w.bounds.Elections {
			to = append(to, event{kind: fences, node: uint8(n)})
		}
	}
	if int(s.spent.configs) < w.bounds.Configs {
		for k := 1; k <= brokers; k++ {
			if k != v.minInsync {
				to = append(to, event{kind: configures, arg: uint32(k)})
			}
		}
	}
	return to
}

// after is the state after an event.
func (w *world) after(s state, e event) (state, *Violation) {
	s, v := w.occur(s, e)
	if v == nil {
		w.trim(&s)
		w.release(&s)
	}
	return s, v
}

func (w *world) occur(s state, e event) (state, *Violation) {
	n := model.NodeID(e.node)
	c := w.controls.get(s.control)
	switch e.kind {
	case atBroker:
		v := w.afterLocal(&s, n, e.what)
		return s, v
	case delivers:
		q := slices.Clone(w.queues.get(s.channels[e.what.peer][n]))
		s.channels[e.what.peer][n] = w.putQueue(slices.Delete(q, int(e.arg), int(e.arg)+1))
		return s, w.happen(&s, n, e.what)
	case decides:
		c.proposals = slices.DeleteFunc(slices.Clone(c.proposals), func(r ref) bool { return r == e.arg })
		s.control = w.putControl(c)
		if w.commit(&s, e.arg) {
			s.spent.changes++
		}
	case elects:
		c.elect = 0
		s.control = w.putControl(c)
		w.commit(&s, e.arg)
	case hears:
		c.arrived[n] = true
		w.pursue(&s, c)
	case fences:
		s.spent.elections++
		w.commit(&s, w.meta.fence(n, w.registered(&s, n), true))
	case unfences:
		w.commit(&s, w.meta.fence(n, w.registered(&s, n), false))
	case holds:
		s.held |= 1 << e.arg
		s.spent.delays++
	case configures:
		s.spent.configs++
		w.commit(&s, w.meta.setMinInsync(int(e.arg)))
	}
	return s, nil
}

func (w *world) registered(s *state, n model.NodeID) model.BrokerEpoch {
	return w.meta.versions.get(w.newest(s)).image.Brokers.ByID(n).Epoch
}

// afterLocal pays for what happens at a broker, and brings it about.
func (w *world) afterLocal(s *state, n model.NodeID, h happening) *Violation {
	switch h.kind {
	case starts:
		w.commit(s, w.meta.register(w.newest(s), w.broker(s, n)))
		h.arg = w.newest(s)
		s.applied[n] = uint8(len(w.logs.get(s.log)) - 1)
	case applies:
		s.applied[n] = uint8(h.arg)
		h.arg = w.logs.get(s.log)[h.arg]
	case appends:
		s.spent.records++
	case reconnects:
		s.spent.breaks++
	case crashes, losesPower:
		s.spent.crashes++
		if h.kind == losesPower {
			s.spent.losses++
		}
		s.applied[n] = down
		for from := range s.channels {
			s.channels[from][n] = 0 // the empty queue: their connections are gone
		}
	case empties:
		s.spent.losses++
	case pushes, receives, operates, syncs, asked, lapses, retries:
	default:
		panic(fmt.Sprintf("explore: event %d", h.kind))
	}
	return w.happen(s, n, h)
}
