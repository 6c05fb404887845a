package explore

import (
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// lanes is a set of lanes. What is due in one lane happens in its order; a lane
// that is held waits until the rest has come to a stop, and then goes on at any time.
type lanes uint64

// laneKind is what is due by itself once it can be done, the most urgent first.
type laneKind uint8

const (
	laneDisk laneKind = iota
	laneSync
	laneNetwork // of one broker to another
	lanePush
	laneMetadata
	laneQuestion
	laneAnswer
	laneElection
	laneProposals
	laneUnfence
)

// lane is one bit: of a broker, or of a broker and a peer.
func lane(k laneKind, n, peer model.NodeID) lanes {
	first := [...]uint{
		laneDisk: 0, laneSync: 3, laneNetwork: 6, lanePush: 15, laneMetadata: 24,
		laneQuestion: 27, laneAnswer: 30, laneElection: 33, laneProposals: 34, laneUnfence: 37,
	}
	at := uint(n)
	if k == laneNetwork || k == lanePush {
		at = uint(n)*brokers + uint(peer)
	}
	return 1 << (first[k] + at)
}

// due is something that happens by itself.
type due struct {
	lane lanes
	event
}

// unheld is the most urgent of what is due and not held.
func (s *state) unheld(all []due) (due, bool) {
	for _, d := range all {
		if s.held&d.lane == 0 {
			return d, true
		}
	}
	return due{}, false
}

// forced is the only thing that can happen, where there is no choice: something is
// due, and no delay is left.
func (w *world) forced(s *state) (event, bool) {
	if int(s.spent.delays) < w.bounds.Delays {
		return event{}, false
	}
	w.all = w.due(s, w.all[:0])
	d, ok := s.unheld(w.all)
	return d.event, ok
}

// release lets go of lanes in which nothing is due any more.
func (w *world) release(s *state) {
	if s.held == 0 {
		return
	}
	w.all = w.due(s, w.all[:0])
	var still lanes
	for _, d := range w.all {
		still |= d.lane
	}
	s.held &= still
}

// due appends what is due, in order of urgency.
func (w *world) due(s *state, to []due) []due {
	for n := range model.NodeID(brokers) {
		b := w.broker(s, n)
		if !b.up() {
			continue
		}
		to = w.dueOfDisk(b, to)
		to = w.dueOfNetwork(s, b, to)
		to = w.dueOfMetadata(s, b, to)
	}
	to = w.dueOfController(s, to)
	slices.SortStableFunc(to, func(a, b due) int { return int(min(max(int64(a.lane)-int64(b.lane), -1), 1)) })
	return to
}

func (w *world) dueOfDisk(b *broker, to []due) []due {
	if len(b.ops) > 0 {
		to = append(to, due{lane(laneDisk, b.node, 0), local(b.node, operates, 0, 0)})
	}
	if b.log.synced < b.log.EndOffset() {
		to = append(to, due{lane(laneSync, b.node, 0), local(b.node, syncs, 0, 0)})
	}
	return to
}

func (w *world) dueOfNetwork(s *state, b *broker, to []due) []due {
	for from := range model.NodeID(brokers) {
		var streams []replica.Stream
		for i, p := range w.queues.get(s.channels[from][b.node]) {
			m := w.packets.get(p)
			if slices.Contains(streams, m.Stream) {
				continue // messages of one stream come in order
			}
			streams = append(streams, m.Stream)
			e := event{kind: delivers, node: uint8(b.node), what: happening{receives, uint8(from), p}, arg: uint32(i)}
			to = append(to, due{lane(laneNetwork, from, b.node), e})
		}
	}
	if _, leads := b.machine.Leads(); !leads {
		return to
	}
	for peer := range model.NodeID(brokers) {
		if peer == b.node || !w.broker(s, peer).up() || len(w.queues.get(s.channels[b.node][peer])) == w.bounds.InFlight {
			continue
		}
		if _, ready := b.machine.Next(peer); ready {
			to = append(to, due{lane(lanePush, b.node, peer), local(b.node, pushes, peer, 0)})
		}
	}
	return to
}

func (w *world) dueOfMetadata(s *state, b *broker, to []due) []due {
	log, at := w.logs.get(s.log), int(s.applied[b.node])
	if at+1 < len(log) {
		to = append(to, due{lane(laneMetadata, b.node, 0), local(b.node, applies, 0, uint32(at)+1)})
	}
	if at+2 < len(log) {
		to = append(to, due{lane(laneMetadata, b.node, 0), local(b.node, applies, 0, uint32(len(log))-1)})
	}
	v := w.meta.versions.get(log[len(log)-1])
	if v.partition.Leader != model.NoNode || v.image.Brokers.ByID(b.node).Epoch != b.epoch {
		return to
	}
	c := w.controls.get(s.control)
	if !w.meta.pursue(w.heard(s, &c)).questions[b.node] {
		return to
	}
	question := happening{asked, 0, uint32(v.partition.LeaderEpoch)}
	if o := w.outcome(s.brokers[b.node], question); o.next != s.brokers[b.node] || o.answer != 0 && o.answer != c.answers[b.node] {
		to = append(to, due{lane(laneQuestion, b.node, 0), event{kind: atBroker, node: uint8(b.node), what: question}})
	}
	return to
}

func (w *world) dueOfController(s *state, to []due) []due {
	newest := w.newest(s)
	c := w.controls.get(s.control)
	for _, p := range c.proposals {
		if !w.meta.decide(newest, p).changes || int(s.spent.changes) < w.bounds.Changes {
			to = append(to, due{lane(laneProposals, w.meta.proposer(p), 0), event{kind: decides, arg: p}})
		}
	}
	if c.elect != 0 {
		to = append(to, due{lane(laneElection, 0, 0), event{kind: elects, arg: c.elect - 1}})
	}
	v := w.meta.versions.get(newest)
	for n := range model.NodeID(brokers) {
		if c.answers[n] != 0 && !c.arrived[n] {
			to = append(to, due{lane(laneAnswer, n, 0), event{kind: hears, node: uint8(n)}})
		}
		// The broker beats, and has synced what it found.
		r, b := v.image.Brokers.ByID(n), w.broker(s, n)
		if r.Fenced && b.up() && b.epoch == r.Epoch && b.log.synced == b.log.EndOffset() {
			to = append(to, due{lane(laneUnfence, n, 0), event{kind: unfences, node: uint8(n)}})
		}
	}
	return to
}
