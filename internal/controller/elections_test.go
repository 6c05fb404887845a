package controller

import (
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

func TestAnElectionTakesTheMostComplete(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2", "b 0 1 2", "c 0 1 2", "d 1 0 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.does("ask 1: a/1 b/1 c/1 · ask 2: a/1 b/1 c/1")
	st.answers(1, "a 0 5", "b 0 9", "c 0 7")
	st.does("") // one answer is not enough
	st.answers(2, "a 0 5", "b 0 10", "c 0 7", "d 7 7")
	st.does("elect a=1 b=2 c=1") // all at once; among equals the first
	st.does("")
	for topic, want := range map[string]model.NodeID{"a": 1, "b": 2, "c": 1, "d": 1} {
		st.leader(topic, want)
	}
	st.answers(1, "a 0 5")
	st.does("")
	if len(st.s.elections) > 0 {
		t.Errorf("%d elections are kept", len(st.s.elections))
	}
}

func TestTheNormalEpochCountsBeforeTheLog(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 2 100")
	st.answers(2, "a 3 50")
	st.does("elect a=2")
}

func TestUnansweredQuestionsAreAskedAgain(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2", "b 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.does("ask 1: a/1 b/1 · ask 2: a/1 b/1")
	st.answers(1, "a 0 5")
	if got := st.passes(retry, 1, 2); got != "ask 1: b/1 · ask 2: a/1 b/1" {
		t.Errorf("%q", got)
	}
	// Two more in time, each asked but once.
	if got := st.passes(2*retry, 1, 2); got != "ask 1: b/1 · ask 2: a/1 b/1 | ask 1: b/1 · ask 2: a/1 b/1" {
		t.Errorf("%q", got)
	}
	st.answers(1, "b 0 5")
	st.answers(2, "a 0 5", "b 0 5")
	st.does("elect a=1 b=1")
}

func TestAMemberIsAskedWhenItComesBack(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	for n := range model.NodeID(3) {
		st.submit(FenceBroker{Node: n, Epoch: st.epoch(n)})
	}
	st.loses("")
	if _, ok := st.s.NextTick(); ok {
		t.Error("waits although there is nobody")
	}
	st.beats(2)
	st.does("unfence 2")
	st.does("ask 2: a/1")
	st.answers(2, "a 0 9")
	st.does("")
	st.beats(1)
	st.does("unfence 1")
	st.does("ask 1: a/1")
	st.answers(1, "a 0 5")
	st.does("elect a=2")
}

func TestAnAnswerIsOfOneRun(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	late := st.answer(1, "a 0 9")
	st.answers(1, "a 0 9")
	again := register(1, 2)
	st.submit(again)
	st.does("ask 1: a/1")
	st.s.Answer(st.now, late)
	st.answers(2, "a 0 5")
	st.does("") // 1's disk may have been emptied
	st.answers(1, "a 0 9")
	st.does("elect a=1")
}

func TestAnAnswerIsOfOneEpoch(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	late := st.answer(1, "a 0 9")
	st.answers(1, "a 0 9")
	st.answers(2, "a 0 9")
	st.does("elect a=1")
	st.submit(FenceBroker{Node: 1, Epoch: st.epoch(1)})
	st.submit(UnfenceBroker{Node: 1, Epoch: st.epoch(1)})
	st.does("ask 1: a/3 · ask 2: a/3")
	st.s.Answer(st.now, late)
	st.answers(2, "a 0 5")
	st.does("")
}

func TestTheLostAreNeitherAskedNorHeard(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	emptied := register(1, 2)
	emptied.Directory = model.UUID{9}
	st.submit(emptied)
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.does("ask 2: a/1")
	st.answers(1, "a 0 9")
	st.answers(2, "a 0 9")
	st.does("") // of three, two answers that count are needed
	st.beats(0)
	st.does("unfence 0")
	st.does("ask 0: a/1")
	st.answers(0, "a 0 8")
	st.does("elect a=2")
}

func TestAnAnswerDoesNotCountOnceItsDiskIsEmptied(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 0 9")
	emptied := register(1, 2)
	emptied.Directory = model.UUID{9}
	st.submit(emptied)
	st.answers(2, "a 0 5")
	st.does("")
}

func TestTheElectedFailsBeforeItsElection(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 0 9")
	st.answers(2, "a 0 5")
	elected := st.s.Effects().Commands
	st.submit(FenceBroker{Node: 1, Epoch: st.epoch(1)})
	st.submit(elected[0])
	st.leader("a", model.NoNode)
	st.beats(0)
	st.does("unfence 0")
	st.does("ask 0: a/1")
	st.answers(0, "a 0 9")
	st.does("elect a=0") // without waiting for a retry of 1's
}

func TestANewControllerAsksAnew(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 0 9")
	st.takeOver()
	st.does("ask 1: a/1 · ask 2: a/1")
	st.answers(2, "a 0 9")
	st.does("")
	st.answers(1, "a 0 9")
	st.does("elect a=1")
}

func TestADeletedTopicIsNotElectedFor(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.submit(DeleteTopics{Topics: []DeleteTopic{{Name: "a"}}})
	if got := st.passes(retry, 1, 2); got != "" {
		t.Errorf("%q", got)
	}
	if len(st.s.elections) > 0 {
		t.Errorf("%d elections", len(st.s.elections))
	}
}

// Goal: state goes with what is going on, not with what there is.
func TestASupervisorKeepsNothingOfPartitionsThatAreLed(t *testing.T) {
	st := newStory(t, 3)
	var many [][]model.NodeID
	for range 100 {
		many = append(many, nodes(0, 1, 2))
	}
	st.topic("many", many...)
	st.takeOver()
	st.does("")
	if n := len(st.s.elections); n != 0 {
		t.Errorf("%d elections", n)
	}
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	if n := len(st.s.elections); n != 100 {
		t.Errorf("%d elections", n)
	}
	if q := st.s.Effects().Questions; len(q) != 2 || len(q[0].Items) != 100 {
		t.Errorf("%d questions", len(q))
	}
}

func TestALeaderThatCameAndWentBetweenTwoImages(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 0 9")
	before := st.image
	for _, command := range []Command{
		ElectLeaders{Elections: []Election{{Topic: st.image.Topics.ByName("a").ID, LeaderEpoch: 1, Leader: 2, BrokerEpoch: st.epoch(2)}}},
		FenceBroker{Node: 2, Epoch: st.epoch(2)}, UnfenceBroker{Node: 2, Epoch: st.epoch(2)},
	} {
		if _, err := st.do(command); err != nil {
			t.Fatal(err)
		}
	}
	st.s.Apply(meta.Diff(before, st.image), st.image, st.now)
	st.does("ask 1: a/3 · ask 2: a/3") // what 1 has said was of another epoch
	st.answers(2, "a 2 9")
	st.does("")
}

func TestANewRunIsAskedOnce(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.submit(register(1, 2))
	st.does("ask 1: a/1 · ask 2: a/1")
}

// Thousands of answers come in many messages: what can be decided while a command is under
// way is the next one, also where that one gets lost.
func TestWhatCanBeDecidedDuringAnElectionIsTheNextCommand(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2", "b 0 1 2", "c 0 1 2", "d 0 1 2", "e 0 1 2")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 0 5", "b 0 5", "c 0 5", "d 0 5", "e 0 5")
	st.answers(2, "a 0 5")
	first := st.s.Effects().Commands
	for _, topic := range []string{"c", "b", "c"} {
		st.answers(2, topic+" 0 6")
		st.does("")
	}
	st.submit(first[0])
	st.leader("a", 1)
	st.does("elect c=2 b=2")
	st.answers(2, "d 0 5")
	st.loses("elect d=1")
	st.answers(2, "e 0 5")
	if got := st.passes(retry, 1, 2); got != "elect d=1 e=1" {
		t.Errorf("%q", got)
	}
	st.does("")
	if len(st.s.elections) > 0 || len(st.s.held) > 0 {
		t.Errorf("%d elections are left, %d are held", len(st.s.elections), len(st.s.held))
	}
}

// A command that has become void holds up no other.
func TestAVoidElectionHoldsUpNoOther(t *testing.T) {
	st := newStory(t, 4, "a 0 1 2", "b 0 1 3")
	st.submit(FenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.happens()
	st.answers(1, "a 0 9", "b 0 5")
	st.answers(2, "a 0 5")
	st.loses("elect a=1")
	st.answers(3, "b 0 9")
	st.does("")
	st.submit(DeleteTopics{Topics: []DeleteTopic{{Name: "a"}}})
	st.does("elect b=3")
}
