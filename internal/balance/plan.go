package balance

import (
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// Plan is what is to be done, in this order; each move may be the last.
type Plan struct {
	Moves []Move
	// Remarks say what cannot be reached, and why.
	Remarks []string
	// Before and After are what the brokers have, by id.
	Before, After []Share
}

// Move gives a partition other replicas, or another order of them.
type Move struct {
	Partition model.TopicPartition
	// From and To are the replicas in order of preference. They are alike where only an
	// election is wanted.
	From, To []model.NodeID
	// Elect: when To are the replicas the first of them is to be elected; it is up, and
	// would not lead by the move alone.
	Elect bool
	// Bytes is what is copied.
	Bytes  int64
	Reason string
}

// Targets are those that get a replica.
func (m *Move) Targets() []model.NodeID {
	return slices.DeleteFunc(slices.Clone(m.To), func(n model.NodeID) bool { return slices.Contains(m.From, n) })
}

// Share is what a broker has.
type Share struct {
	Broker            model.NodeID
	Replicas, Leaders int64 // Leaders: partitions of which it is the first replica
	Bytes             int64
	In, Out           int64 // bytes a second
}

// Bytes is what the whole plan copies.
func (p *Plan) Bytes() (sum int64) {
	for i := range p.Moves {
		sum += p.Moves[i].Bytes
	}
	return sum
}

// Propose plans.
func Propose(c *Cluster, o Options) Plan {
	s := newSearch(c, o)
	plan := Plan{Before: s.shares()}
	s.empty()
	s.mendRacks()
	s.even()
	plan.After, plan.Remarks = s.shares(), s.remarks
	plan.Moves = s.moves()
	return plan
}

// moves are what the search has come to, a partition once.
func (s *search) moves() []Move {
	var order []*candidate
	for i := range s.partitions {
		if p := &s.partitions[i]; p.changed() || s.wantsElection(p) {
			order = append(order, p)
		}
	}
	slices.SortStableFunc(order, (*candidate).compare)
	moves := make([]Move, 0, len(order))
	for _, p := range order {
		m := Move{Partition: p.Name, From: slices.Clone(p.Replicas), To: s.ids(p.now), Reason: p.reason(), Elect: s.wantsElection(p)}
		m.Bytes = int64(p.copies()) * p.Bytes
		if !p.changed() {
			m.Reason = preferred(p.Leader, m.To[0])
		}
		moves = append(moves, m)
	}
	return moves
}

// wantsElection: the first replica does not lead, and would not by the move alone, which
// replaces a leader only where that goes. Where nobody leads an election is under way; it
// does not know yet who is to be the first.
func (s *search) wantsElection(p *candidate) bool {
	first := p.now[0]
	return !p.fixed() && s.usable(first) && p.Leader != s.brokers[first].ID && (p.Leader != model.NoNode || p.changed())
}

func (s *search) ids(now []int) []model.NodeID {
	ids := make([]model.NodeID, len(now))
	for i, b := range now {
		ids[i] = s.brokers[b].ID
	}
	return ids
}

func (s *search) shares() []Share {
	shares := make([]Share, len(s.brokers))
	for i := range s.brokers {
		l := &s.loads[i]
		shares[i] = Share{Broker: s.brokers[i].ID, Replicas: l[replicas], Leaders: l[leaders], Bytes: l[bytes], In: l[in], Out: l[out]}
	}
	return shares
}
