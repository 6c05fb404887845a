//go:build plant

package controller

import (
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// seenWith tells a story with a bug and without: it is to be seen in the one only.
func seenWith(t *testing.T, bug plant.Bug, seen func(st *story) bool) {
	t.Helper()
	for _, on := range []plant.Bug{"", bug} {
		plant.Switch("")
		st := newStory(t, 3, "a 0 1 2")
		plant.Switch(on)
		if got := seen(st); got != (on == bug) {
			t.Errorf("%q planted, %s seen: %v", on, bug, got)
		}
	}
}

// electionWith fences 0 and lets 1 and 2 answer.
func electionWith(st *story, answers func()) (leader model.NodeID) {
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	answers()
	st.passes(answerPatience)
	st.happens()
	return st.partition("a", 0).Leader
}

// Goal: each planted bug decides what it is called, and nothing does without it.
// Method: one story, told with the bug and without, tells whether it was seen.
func TestPlantedBugsAreSeen(t *testing.T) {
	defer plant.Switch("")
	f := func(bug plant.Bug, seen func(st *story) bool) {
		t.Helper()
		seenWith(t, bug, seen)
	}
	emptied := func(node model.NodeID) RegisterBroker {
		r := register(node, 2)
		r.Directory = model.UUID{9}
		return r
	}
	f(plant.EmptiedDiskAnswers, func(st *story) bool { st.submit(emptied(1)); return len(st.partition("a", 0).Lost) == 0 })
	f(plant.UncleanRebootAnswers, func(st *story) bool {
		st.alter(topicResource("a"), set("flush.ms", "100"))
		r := register(1, 2)
		r.Unclean = true
		st.submit(r)
		return len(st.partition("a", 0).Lost) == 0
	})
	f(plant.LostDroppedAtOnce, func(st *story) bool {
		st.submit(emptied(1))
		return slices.Equal(st.partition("a", 0).ISR, nodes(0, 2))
	})
	f(plant.OldIncarnationLeads, func(st *story) bool { st.submit(emptied(0)); return st.partition("a", 0).Leader == 0 })
	f(plant.StaleIncarnationJoins, func(st *story) bool {
		st.propose(0, st.change("a", 0, nodes(0, 1), nil))
		change := st.change("a", 0, nodes(0, 1, 2), nil)
		st.submit(emptied(2))
		st.propose(0, change)
		return len(st.partition("a", 0).ISR) == 3
	})
	f(plant.PartitionEpochIgnored, func(st *story) bool {
		change := st.change("a", 0, nodes(0, 1), nil)
		st.propose(0, st.change("a", 0, nodes(0, 2), nil))
		st.propose(0, change)
		return slices.Equal(st.partition("a", 0).ISR, nodes(0, 1))
	})
	f(plant.OneAnswerElects, func(st *story) bool {
		return electionWith(st, func() { st.answers(2, "a 0 5") }) == 2
	})
	f(plant.MinInsyncInElection, func(st *story) bool {
		st.alter(topicResource("a"), set("min.insync.replicas", "3"))
		st.takeOver()
		return electionWith(st, func() { st.answers(2, "a 0 5") }) == 2
	})
	f(plant.FirstInISRElected, func(st *story) bool {
		return electionWith(st, func() {
			a := st.answer(1, "a 0 5")
			b := st.answer(2, "a 0 9")
			st.s.Answer(st.now, a)
			st.s.Answer(st.now, b)
		}) == 1
	})
	f(plant.LastRecordEpochCompared, func(st *story) bool {
		return electionWith(st, func() {
			a, b := st.answer(1, "a 2 5"), st.answer(2, "a 1 5")
			a.Items[0].LastEpoch, b.Items[0].LastEpoch = 0, 1
			st.s.Answer(st.now, a)
			st.s.Answer(st.now, b)
		}) == 2
	})
}

// The same of unclean elections, and of moves.
func TestPlantedBugsOfOperatorsAreSeen(t *testing.T) {
	defer plant.Switch("")
	f := func(bug plant.Bug, seen func(st *story) bool) {
		t.Helper()
		seenWith(t, bug, seen)
	}
	f(plant.UncleanWhileClean, func(st *story) bool {
		return electionWith(st, func() {
			st.demands("a")
			st.answers(2, "a 0 5")
		}) == 2
	})
	f(plant.UncleanOutOfSync, func(st *story) bool {
		return slices.Contains(uncleanCandidates(st.image, &meta.Partition{
			Replicas: nodes(0, 1, 2), ISR: nodes(0, 1, 2), Lost: nodes(0, 2), Leader: model.NoNode,
		}), 2)
	})
	f(plant.DropBeforeCaughtUp, func(*story) bool {
		return moved(&meta.Partition{Replicas: nodes(0, 1, 2), ISR: nodes(0), Adding: nodes(1), Removing: nodes(2)})
	})
	f(plant.SecondMoveForgets, func(st *story) bool {
		st.propose(0, st.change("a", 0, nodes(0), nil))
		if err := st.reassign("a", 0, 1); err != nil {
			t.Fatal(err)
		}
		if err := st.reassign("a", 0, 1, 2); err != nil { // which comes
			t.Fatal(err)
		}
		if err := st.reassign("a", 0, 2); err != nil {
			t.Fatal(err)
		}
		return len(st.partition("a", 0).Adding) == 0
	})
}
