package controller

import (
	"testing"
)

func TestALeavingBrokerHandsOverAndMayStop(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2", "b 1 0 2", "alone 0")
	st.leaves(0, false)
	st.leaves(0, false)
	st.does("leave 0")
	st.does("ask 0: a/1 · ask 1: a/1 · ask 2: a/1")
	st.leaves(0, false) // its answer may be needed
	st.answers(0, "a 0 9")
	st.answers(1, "a 0 7")
	st.does("") // 2 is waited for: with 1 it can do without 0
	st.answers(2, "a 0 8")
	st.does("elect a=2")
	st.leaves(0, true)
	st.does("")
	st.leader("alone", 0)
}

func TestALeavingBrokerIsElectedWhereTheOthersAreTooFew(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 2, Epoch: st.epoch(2)})
	st.leaves(0, false)
	st.does("leave 0")
	st.does("ask 0: a/1 · ask 1: a/1")
	st.answers(0, "a 0 9")
	st.answers(1, "a 0 8")
	st.does("elect a=0")
	st.leaves(0, false)
	st.does("")
	st.now = st.now.Add(retry)
	st.beats(1)
	st.leaves(0, false)
	st.does("leave 0")
	st.happens()
	st.answers(0, "a 2 9")
	st.answers(1, "a 2 9")
	st.does("elect a=1") // equally complete
	st.leaves(0, true)
}

func TestALeavingBrokerIsElectedWhereTheOthersAreSilent(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.leaves(0, false)
	st.does("leave 0")
	st.happens()
	st.answers(0, "a 0 9")
	st.answers(1, "a 0 8")
	st.does("")
	if got := st.passes(retry, 0, 1, 2); got != "elect a=0 · ask 2: a/1" {
		t.Errorf("%q", got)
	}
}

func TestABrokerWithNothingToHandOverMayStop(t *testing.T) {
	st := newStory(t, 2, "alone 0")
	st.leaves(0, false)
	st.does("leave 0")
	st.leaves(0, true)
	st.submit(FenceBroker{Node: 1, Epoch: st.epoch(1)})
	st.leaves(1, true)
	st.does("")
}

func TestALeavingBrokerDoesNotWaitForAnElectionThatCannotBe(t *testing.T) {
	st := newStory(t, 5, "a 1 0 2 3 4")
	for _, n := range nodes(1, 3, 4) {
		st.submit(FenceBroker{Node: n, Epoch: st.epoch(n)})
	}
	st.happens()
	st.leaves(0, false)
	st.does("leave 0")
	st.leaves(0, true) // three answers are needed, and two could be had
}

func TestALeavingBrokerIsElectedOnceTheOthersAreGone(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.leaves(0, false)
	st.does("leave 0")
	st.happens()
	st.answers(0, "a 0 9")
	st.answers(1, "a 0 8")
	st.does("")
	st.submit(FenceBroker{Node: 2, Epoch: st.epoch(2)})
	st.loses("elect a=0")
	if got := st.passes(retry, 0, 1); got != "elect a=0" {
		t.Errorf("%q", got)
	}
}
