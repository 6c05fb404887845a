package explore

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// state is everything there is, by names in the tables of a world.
type state struct {
	brokers  [brokers]ref
	channels [brokers][brokers]ref // messages on their way, from and to
	control  ref
	ghost    ref
	log      ref            // the metadata log, from the oldest version that a broker is at
	applied  [brokers]uint8 // places in it
	spent    spent
	held     lanes // what is due and does not happen yet
}

// spent is what has been used up of the bounds.
type spent struct {
	records, crashes, losses, elections, changes, configs, breaks, delays uint8
}

// hash names a state. Two in n²/2⁶⁵ of n states are taken for one.
func (s *state) hash() uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	mix := func(a, b uint64) {
		hi, lo := bits.Mul64(a^0xa0761d6478bd642f^h, b^0xe7037ed1a0b428db)
		h = hi ^ lo ^ bits.RotateLeft64(h, 23)
	}
	two := func(a, b ref) uint64 { return uint64(a)<<32 | uint64(b) }
	c := &s.channels
	mix(two(s.brokers[0], s.brokers[1]), two(s.brokers[2], s.control))
	mix(two(c[0][1], c[0][2]), two(c[1][0], c[1][2]))
	mix(two(c[2][0], c[2][1]), two(s.ghost, s.log))
	p := &s.spent
	budget := [8]byte{p.records, p.crashes, p.losses, p.elections, p.changes, p.configs, p.breaks, p.delays}
	place := [8]byte{s.applied[0], s.applied[1], s.applied[2]}
	mix(binary.LittleEndian.Uint64(budget[:]), binary.LittleEndian.Uint64(place[:]))
	mix(uint64(s.held), 0x8ebc6af09c88c6e3)
	return h | 1 // 0 is an empty place in the set
}

// down is the place in the metadata log of a broker that is down.
const down = 0xff

// control is what is on its way to the controller, and what it has heard.
type control struct {
	// answers to the election (ref+1; 0: none), and which of them have arrived.
	answers [brokers]uint32
	arrived [brokers]bool
	elect   uint32 // ref+1 of an ElectLeaders that is not decided yet; 0: none
	// proposals are AlterISR that are not decided yet, the oldest first.
	proposals []ref
}

func (c control) key() []byte {
	var to []byte
	for i, a := range c.answers {
		v := uint64(a) << 1
		if c.arrived[i] {
			v |= 1
		}
		to = binary.AppendUvarint(to, v)
	}
	to = binary.AppendUvarint(to, uint64(c.elect))
	for _, p := range c.proposals {
		to = binary.AppendUvarint(to, uint64(p))
	}
	return to
}

// ghost is what only the checks look at.
type ghost struct {
	// ledger is what has been committed, and in which leader's epoch.
	ledger []committed
	// epochs are those that have begun, and may still do something.
	epochs []reign
}

type committed struct {
	entry
	in model.LeaderEpoch
}

type reign struct {
	epoch  model.LeaderEpoch
	leader model.NodeID
	mark   model.Offset
}

func (g ghost) key() []byte {
	to := []byte{byte(len(g.ledger))}
	for _, c := range g.ledger {
		to = append(to, byte(c.epoch), c.value, byte(c.in))
	}
	for _, r := range g.epochs {
		to = append(to, byte(r.epoch), byte(r.leader), byte(r.mark))
	}
	return to
}

func refsKey(refs []ref) []byte {
	to := make([]byte, 0, 4*len(refs))
	for _, r := range refs {
		to = binary.LittleEndian.AppendUint32(to, r)
	}
	return to
}

// world holds the tables that states name things in.
type world struct {
	bounds   Bounds
	meta     *metadata
	brokers  table[*broker]
	packets  table[packet]
	queues   table[[]ref] // of packets
	logs     table[[]ref] // of versions
	controls table[control]
	ghosts   table[ghost]
	steps    map[stepKey]*outcome
	all      []due // of the state that is looked at
}

func newWorld(b Bounds) *world {
	return &world{
		bounds: b, meta: newMetadata(), brokers: newTable[*broker](), packets: newTable[packet](), queues: newTable[[]ref](),
		logs: newTable[[]ref](), controls: newTable[control](), ghosts: newTable[ghost](), steps: map[stepKey]*outcome{},
	}
}

func (w *world) putBroker(b *broker) ref { return w.brokers.put(b.key(nil), b) }

func (w *world) broker(s *state, n model.NodeID) *broker { return w.brokers.get(s.brokers[n]) }

func (w *world) putQueue(q []ref) ref { return w.queues.put(refsKey(q), q) }

func (w *world) putControl(c control) ref { return w.controls.put(c.key(), c) }

func (w *world) putGhost(g ghost) ref { return w.ghosts.put(g.key(), g) }

// newest is the last version of the metadata.
func (w *world) newest(s *state) ref {
	log := w.logs.get(s.log)
	return log[len(log)-1]
}

// trim drops versions from the log that no broker needs any more.
func (w *world) trim(s *state) {
	log := w.logs.get(s.log)
	oldest := len(log) - 1
	for _, at := range s.applied {
		oldest = min(oldest, int(at)) // down is greater than any
	}
	if oldest == 0 {
		return
	}
	for n := range s.applied {
		if s.applied[n] != down {
			s.applied[n] -= uint8(oldest)
		}
	}
	w.setLog(s, log[oldest:])
}

func (w *world) setLog(s *state, log []ref) { s.log = w.logs.put(refsKey(log), slices.Clone(log)) }

// begin is the state in which everything begins: all logs are empty, broker 0 leads
// epoch 0, and the others follow it, or are going to.
func (w *world) begin() (state, *Violation) {
	var s state
	w.putQueue(nil)
	s.control, s.ghost = w.putControl(control{}), w.putGhost(ghost{})
	first := w.meta.begin(&w.bounds)
	w.setLog(&s, []ref{first})
	for n := range model.NodeID(brokers) {
		s.brokers[n] = w.putBroker(&broker{node: n, normal: model.NoLeaderEpoch, seen: model.NoLeaderEpoch})
	}
	for n := range model.NodeID(brokers) {
		if violation := w.happen(&s, n, happening{kind: starts, arg: first}); violation != nil {
			return s, violation
		}
	}
	for {
		w.all = w.due(&s, w.all[:0])
		if len(w.all) == 0 || w.bounds.Cold {
			return s, nil
		}
		var violation *Violation
		if s, violation = w.after(s, w.all[0].event); violation != nil {
			return s, violation
		}
	}
}
