package controller

import (
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// watch is what is known of a registered broker beyond its registration.
//
//	                silent for a session, or its process is gone
//	registered ─▶ ┌────────┐ ◀───────────────────────────── ┌────────┐
//	              │ fenced │ ─────────────────────────────▶ │ leads  │
//	              └────────┘ heartbeat: registration applied└────────┘
//
// The image says which of the two it is; a heartbeat for leave goes on from
// "leads" to meta.Broker.Leaving.
type watch struct {
	epoch           model.BrokerEpoch
	fenced, leaving bool
	heard           time.Time
	supports        meta.Range // as the broker has said last; zero: not yet
	// When a command was submitted, or a probe asked for, that has had no effect
	// yet; zero: none.
	fencing, unfencing, leave, probing time.Time
}

// Heartbeat is what a broker sends, more often than once in a session.
type Heartbeat struct {
	Node        model.NodeID
	BrokerEpoch model.BrokerEpoch
	// Applied is the metadata log's index up to which the broker has applied it,
	// with its logs open and its roles taken.
	Applied uint64
	// Leave: the broker wants to stop in order.
	Leave bool
	// First: it holds no lease, and serves nothing before it is answered.
	First bool
	// Supports are the metadata versions that the broker knows; zero of a build of
	// release 0.1. Before meta.Version2 its registration does not say so.
	Supports meta.Range `json:",omitzero"`
}

// HeartbeatAnswer is what the broker learns.
type HeartbeatAnswer struct {
	// Known is not set where the registration is not the newest: the broker has
	// to register again, or has been replaced.
	Known bool
	// Removed: it is not registered any more.
	Removed bool `json:",omitempty"`
	// Fenced: the broker leads nothing, whatever it has applied.
	Fenced bool
	// MayStop: the broker leads nothing any more that others could lead.
	MayStop bool
}

// Heartbeat hears of a broker, which its session counts from when the heartbeat arrived:
// proving that this is still the controller takes up to another heartbeat's time, in which
// a broker that has fallen silent would have others wait for longer.
func (s *Supervisor) Heartbeat(arrived, now time.Time, h Heartbeat) HeartbeatAnswer {
	switch StandingOf(s.image, h.Node, h.BrokerEpoch) {
	case Undecided:
		return HeartbeatAnswer{Known: true, Fenced: true}
	case Removed:
		return HeartbeatAnswer{Removed: true}
	case Replaced:
		return HeartbeatAnswer{}
	case Registered:
	}
	b, w := s.image.Brokers.ByID(h.Node), s.brokers[h.Node]
	if !w.fencing.IsZero() {
		// It is being fenced, and must not serve in the meantime: an answer that
		// renewed its lease could reach beyond the fence.
		return HeartbeatAnswer{Known: true, Fenced: true}
	}
	if arrived.After(w.heard) {
		w.heard = arrived
	}
	if w.supports = h.Supports; w.supports.IsZero() {
		w.supports = meta.FirstRange
	}
	if h.Leave {
		return HeartbeatAnswer{Known: true, Fenced: b.Fenced, MayStop: s.leave(now, b, w)}
	}
	if b.Fenced && h.Applied >= uint64(b.Epoch) && s.due(now, w.unfencing) {
		w.unfencing = now
		s.commands = append(s.commands, UnfenceBroker{Node: b.ID, Epoch: b.Epoch})
	}
	return HeartbeatAnswer{Known: true, Fenced: b.Fenced}
}

// Supports are the metadata versions that a broker's run has said it knows; zero where
// it was not heard of.
func (s *Supervisor) Supports(node model.NodeID, epoch model.BrokerEpoch) meta.Range {
	if w := s.brokers[node]; w != nil && w.epoch == epoch {
		return w.supports
	}
	return meta.Range{}
}

// leave has a broker's partitions led by others, and reports whether that is done
// as far as it goes.
func (s *Supervisor) leave(now time.Time, b *meta.Broker, w *watch) (done bool) {
	if b.Fenced {
		return true
	}
	leads := leadsForHeirs(s.image, b.ID)
	if !leads && b.Leaving {
		return !s.electsAHeir(b.ID)
	}
	if s.due(now, w.leave) {
		w.leave = now
		s.commands = append(s.commands, LeaveBroker{Node: b.ID, Epoch: b.Epoch})
	}
	return false
}

// ConnectionLost asks for a probe at once: a closed connection is no proof, and a
// session is a long time.
func (s *Supervisor) ConnectionLost(now time.Time, node model.NodeID) {
	if w := s.brokers[node]; w != nil && !w.fenced && s.due(now, w.probing) {
		w.probing = now
		s.probes = append(s.probes, node)
	}
}

// ProbeRefused hears that nobody listens where a broker's registration says. Of a
// registration that is not the newest it says nothing.
func (s *Supervisor) ProbeRefused(now time.Time, node model.NodeID, epoch model.BrokerEpoch) {
	w := s.brokers[node]
	if w == nil || w.epoch != epoch {
		return
	}
	w.probing = time.Time{}
	if !w.fenced {
		s.fence(now, node, w)
	}
}

// ProbeAnswered hears that somebody listens. That does not count as hearing of the
// broker: a kernel accepts connections for a process that hangs.
func (s *Supervisor) ProbeAnswered(_ time.Time, node model.NodeID) {
	if w := s.brokers[node]; w != nil {
		w.probing = time.Time{}
	}
}

// fenceAt is when a broker is to be fenced, unless it is heard of.
func (s *Supervisor) fenceAt(w *watch) time.Time {
	if !w.fencing.IsZero() {
		return w.fencing.Add(s.timing.Retry) // the first command had no effect
	}
	return w.heard.Add(s.timing.Session)
}

func (s *Supervisor) fence(now time.Time, node model.NodeID, w *watch) {
	if s.due(now, w.fencing) {
		w.fencing = now
		s.commands = append(s.commands, FenceBroker{Node: node, Epoch: w.epoch})
	}
}

// brokerChanged follows a broker's registration.
func (s *Supervisor) brokerChanged(now time.Time, node model.NodeID) {
	b, w := s.image.Brokers.ByID(node), s.brokers[node]
	switch {
	case b == nil:
		delete(s.brokers, node)
		delete(s.questions, node)
		return
	case w == nil || w.epoch != b.Epoch:
		w = &watch{epoch: b.Epoch, heard: now}
		s.brokers[node] = w
		delete(s.questions, node) // they were the earlier run's
	case w.fenced != b.Fenced:
		w.fencing, w.unfencing, w.heard = time.Time{}, time.Time{}, now
		delete(s.questions, node)
	}
	if s.timing.Prefer > 0 && w.fenced && !b.Fenced {
		s.preferBy(now.Add(s.timing.Prefer)) // it may be able to lead what it was in sync with
	}
	w.fenced, w.leaving = b.Fenced, b.Leaving
}
