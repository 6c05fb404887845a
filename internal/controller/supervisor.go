package controller

import (
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Supervisor watches brokers and runs elections. The active controller has one,
// from the moment it is elected, with all that was committed before applied; the
// next controller starts over, and loses nothing by it: what a Supervisor knows
// beyond the image is who was heard of, who was asked, and who has answered.
//
// It is a pure state machine. Events go in, each with the time it is at: Apply,
// Heartbeat, ConnectionLost, ProbeRefused, ProbeAnswered, Answer, Tick. After each,
// what is to be done comes out of Effects. Nothing is certain to arrive: commands
// and questions may be lost, delayed and repeated, and are sent again after
// Timing.Retry as long as the image says that they are needed.
//
// Its memory and what an event costs go by brokers, partitions without a leader and
// reassignments with a step to take, not by partitions. It is not safe for concurrent use.
type Supervisor struct {
	image  *meta.Image
	timing Timing
	// uncleanByDefault is unclean.leader.election.enable where the image has none.
	uncleanByDefault bool

	brokers   map[model.NodeID]*watch
	elections map[partitionKey]*election
	// moves are reassignments with a step to take, and when it was last asked for;
	// handovers when their leaders were last to hand over.
	moves, handovers map[partitionKey]time.Time
	// waitingMoves are reassignments without a step to take.
	waitingMoves map[partitionKey]struct{}
	// preferAt is when first replicas are to lead again; zero: never.
	preferAt time.Time
	// preferred is when a partition's first replica was last to be elected, of those that
	// others lead since.
	preferred map[partitionKey]time.Time
	// retryAt is when the elections have to be gone through again; zero: never.
	retryAt time.Time
	// electing is when ElectLeaders was submitted that has had no effect yet; zero: never.
	// What can be decided meanwhile is held, in this order, and is the next command: an
	// image is made for each, and one in which many partitions change costs as much as one
	// in which a few of the same topics do.
	electing time.Time
	held     []*election

	commands  []Command
	questions map[model.NodeID][]QuestionItem
	probes    []model.NodeID
	unclean   []UncleanElection
}

// Timing is how long a Supervisor waits.
type Timing struct {
	// Session is how long a broker may be silent before it is fenced.
	Session time.Duration
	// Retry is when what has had no effect is tried again.
	Retry time.Duration
	// First is how long a new controller waits for a broker that it has not heard of
	// yet: longer than a lease, and not longer than Session. 0 is Session.
	First time.Duration
	// Prefer is how long a first replica may be able to lead before it is elected; 0: for
	// ever.
	Prefer time.Duration
	// Unclean is how long no clean election may be possible before an unclean one is held
	// where a setting allows it: processes that have died together come back.
	Unclean time.Duration
}

// Effects is what is to be done, in this order of importance. Lists are nil where
// there is nothing.
type Effects struct {
	// Commands are to be submitted, for this controller's term only
	// (quorum.Proposal.Term). What becomes of them is in the image.
	Commands []Command
	// Questions are to be sent, at most one to a broker.
	Questions []Question
	// Probes are brokers to connect to, to see whether their process is there.
	Probes []model.NodeID
	// Unclean are elections that have been unclean: people are to be told.
	Unclean []UncleanElection
}

// NewSupervisor begins with every broker counted as heard of, so that it is silent for a
// session after Timing.First. uncleanByDefault is unclean.leader.election.enable in the
// node's own file.
func NewSupervisor(image *meta.Image, now time.Time, t Timing, uncleanByDefault bool) *Supervisor {
	s := &Supervisor{
		image: image, timing: t, uncleanByDefault: uncleanByDefault,
		brokers:      make(map[model.NodeID]*watch, image.Brokers.Len()),
		elections:    make(map[partitionKey]*election),
		moves:        make(map[partitionKey]time.Time),
		handovers:    make(map[partitionKey]time.Time),
		waitingMoves: make(map[partitionKey]struct{}),
		preferred:    make(map[partitionKey]time.Time),
		questions:    make(map[model.NodeID][]QuestionItem),
	}
	s.Apply(meta.Diff(nil, image), image, now)
	if t.First > 0 {
		for _, w := range s.brokers {
			w.heard = now.Add(t.First - t.Session)
		}
	}
	return s
}

// Apply follows the metadata to a newer image.
func (s *Supervisor) Apply(delta meta.Delta, image *meta.Image, now time.Time) {
	s.image = image
	for _, t := range delta.Deleted {
		for i := range t.Partitions {
			s.electionEnded(partitionKey{t.ID, model.Partition(i)})
			s.moveEnded(partitionKey{t.ID, model.Partition(i)})
			delete(s.preferred, partitionKey{t.ID, model.Partition(i)})
		}
	}
	for _, t := range delta.Created {
		for i := range t.Partitions {
			s.partitionChanged(now, t, model.Partition(i))
		}
	}
	for _, change := range delta.Changed {
		for _, i := range change.Partitions {
			s.partitionChanged(now, change.Topic, i)
		}
	}
	for _, node := range delta.Brokers {
		s.brokerChanged(now, node)
	}
	if len(delta.Brokers) > 0 || s.uncleanSettingChanged(delta) {
		// Who can be asked, and elected, may be others now. What was submitted may be void.
		s.electing = time.Time{}
		s.lookAtWaitingMoves()
		s.pursueAll(now)
		return
	}
	s.pursue(now, s.changedElections(delta))
	if s.electing.IsZero() {
		s.pursue(now, s.takeHeld())
	}
	s.advanceMoves(now)
}

// Tick does what has become due.
func (s *Supervisor) Tick(now time.Time) {
	for _, node := range slices.Sorted(maps.Keys(s.brokers)) {
		if w := s.brokers[node]; !w.fenced && !now.Before(s.fenceAt(w)) {
			s.fence(now, node, w)
		}
	}
	if !s.retryAt.IsZero() && !now.Before(s.retryAt) {
		s.pursueAll(now)
	}
	if !s.preferAt.IsZero() && !now.Before(s.preferAt) {
		s.prefer(now)
	}
}

// NextTick is when Tick has something to do, unless another event comes first;
// false where it never has.
func (s *Supervisor) NextTick() (at time.Time, ok bool) {
	at = s.retryAt
	if !s.preferAt.IsZero() {
		at = earliest(at, s.preferAt)
	}
	for _, w := range s.brokers {
		if !w.fenced {
			at = earliest(at, s.fenceAt(w))
		}
	}
	return at, !at.IsZero()
}

// Effects takes what is to be done. It is asked after every event.
func (s *Supervisor) Effects() Effects {
	e := Effects{Commands: s.commands, Probes: s.probes, Unclean: s.unclean}
	for _, node := range slices.Sorted(maps.Keys(s.questions)) {
		e.Questions = append(e.Questions, Question{
			Node: node, BrokerEpoch: s.brokers[node].epoch, Items: s.questions[node],
		})
	}
	s.commands, s.probes, s.unclean = nil, nil, nil
	clear(s.questions)
	return e
}

// due reports whether what was done at some time, or never, is to be done again.
func (s *Supervisor) due(now, done time.Time) bool {
	return done.IsZero() || !now.Before(done.Add(s.timing.Retry))
}

// earliest takes a zero time for none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
