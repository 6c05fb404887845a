package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

const (
	session = 10 * time.Second
	retry   = time.Second
)

// story is a cluster under a Supervisor. Time passes when the story says so.
type story struct {
	*cluster
	s   *Supervisor
	now time.Time
}

// newStory has brokers of epochs 2, 3 … and topics of one partition: "name 0 1 2"
// is a topic and its replicas.
func newStory(t testing.TB, brokers int, topics ...string) *story {
	t.Helper()
	st := &story{cluster: newCluster(t, brokers), now: time.Unix(1000, 0)}
	for _, words := range topics {
		fields := strings.Fields(words)
		var replicas []model.NodeID
		for _, word := range fields[1:] {
			replicas = append(replicas, model.NodeID(word[0]-'0'))
		}
		st.topic(fields[0], replicas)
	}
	st.takeOver()
	return st
}

// takeOver makes a new controller the active one.
func (st *story) takeOver() {
	st.s = NewSupervisor(st.image, st.now, Timing{Session: session, Retry: retry})
}

// submit carries a command out, and has the Supervisor apply it.
func (st *story) submit(command Command) {
	st.t.Helper()
	before := st.image
	if _, err := st.do(command); err != nil {
		st.t.Fatalf("%s: %v", command.Name(), err)
	}
	st.s.Apply(meta.Diff(before, st.image), st.image, st.now)
}

// does expects the effects so far, and carries their commands out:
//
//	fence 1 · unfence 1 · leave 1 · elect a=1 b=2 · ask 1: a/3 b/1 · probe 1
func (st *story) does(want string) {
	st.t.Helper()
	if got := st.happens(); got != want {
		st.t.Errorf("does %q, want %q", got, want)
	}
}

func (st *story) happens() string {
	st.t.Helper()
	e := st.s.Effects()
	words := st.words(e)
	for _, command := range e.Commands {
		st.submit(command)
	}
	return strings.Join(words, " · ")
}

// loses expects effects that get lost.
func (st *story) loses(want string) {
	st.t.Helper()
	if got := strings.Join(st.words(st.s.Effects()), " · "); got != want {
		st.t.Errorf("does %q, want %q", got, want)
	}
}

func (st *story) words(e Effects) []string {
	var words []string
	for _, command := range e.Commands {
		switch c := command.(type) {
		case FenceBroker:
			words = append(words, fmt.Sprintf("fence %d", c.Node))
		case UnfenceBroker:
			words = append(words, fmt.Sprintf("unfence %d", c.Node))
		case LeaveBroker:
			words = append(words, fmt.Sprintf("leave %d", c.Node))
		case ElectLeaders:
			var each []string
			for _, e := range c.Elections {
				each = append(each, fmt.Sprintf("%s=%d", st.image.Topics.ByID(e.Topic).Name, e.Leader))
			}
			words = append(words, "elect "+strings.Join(each, " "))
		default:
			st.t.Fatalf("%T", command)
		}
	}
	for _, q := range e.Questions {
		if b := st.image.Brokers.ByID(q.Node); b == nil || b.Epoch != q.BrokerEpoch {
			st.t.Errorf("question to epoch %d of broker %d", q.BrokerEpoch, q.Node)
		}
		var each []string
		for _, item := range q.Items {
			each = append(each, fmt.Sprintf("%s/%d", st.image.Topics.ByID(item.Topic).Name, item.LeaderEpoch))
		}
		words = append(words, fmt.Sprintf("ask %d: %s", q.Node, strings.Join(each, " ")))
	}
	for _, node := range e.Probes {
		words = append(words, fmt.Sprintf("probe %d", node))
	}
	return words
}

// answers has a broker say what it holds: "a 3 100" is topic a, normal in epoch 3,
// log end 100.
func (st *story) answers(node model.NodeID, items ...string) {
	st.t.Helper()
	st.s.Answer(st.now, st.answer(node, items...))
}

func (st *story) answer(node model.NodeID, items ...string) Answer {
	st.t.Helper()
	a := Answer{Node: node, BrokerEpoch: st.epoch(node)}
	for _, words := range items {
		var topic string
		var item AnswerItem
		if _, err := fmt.Sscan(words, &topic, &item.NormalEpoch, &item.LogEnd); err != nil {
			st.t.Fatalf("%q: %v", words, err)
		}
		t := st.image.Topics.ByName(topic)
		item.Topic, item.LeaderEpoch = t.ID, t.Partitions[0].LeaderEpoch
		a.Items = append(a.Items, item)
	}
	return a
}

func (st *story) beats(node model.NodeID) HeartbeatAnswer {
	return st.s.Heartbeat(st.now, Heartbeat{Node: node, BrokerEpoch: st.epoch(node), Applied: st.image.Index})
}

func (st *story) leaves(node model.NodeID, mayStop bool) {
	st.t.Helper()
	a := st.s.Heartbeat(st.now, Heartbeat{Node: node, BrokerEpoch: st.epoch(node), Applied: st.image.Index, Leave: true})
	if a.MayStop != mayStop || !a.Known {
		st.t.Errorf("%+v, want MayStop %v", a, mayStop)
	}
}

// passes lets time pass, in which ticks come exactly when they are asked for and
// the given brokers are heard of every second.
func (st *story) passes(d time.Duration, heard ...model.NodeID) string {
	st.t.Helper()
	var all []string
	end := st.now.Add(d)
	for beat := st.now; ; {
		at, ok := st.s.NextTick()
		if next := beat.Add(time.Second); len(heard) > 0 && (!ok || next.Before(at)) {
			at, ok = next, true
		}
		if !ok || at.After(end) {
			break
		}
		if at.Before(st.now) {
			st.t.Fatalf("tick asked for %s ago", st.now.Sub(at))
		}
		st.now = at
		st.s.Tick(at)
		if !at.Before(beat.Add(time.Second)) {
			beat = at
			for _, n := range heard {
				st.beats(n)
			}
		}
		if words := st.happens(); words != "" {
			all = append(all, words)
		}
	}
	st.now = end
	return strings.Join(all, " | ")
}

func (st *story) fencedNodes() []model.NodeID {
	var fenced []model.NodeID
	for _, b := range st.image.Brokers.Sorted() {
		if b.Fenced {
			fenced = append(fenced, b.ID)
		}
	}
	return fenced
}

func (st *story) leader(topic string, want model.NodeID) {
	st.t.Helper()
	if p := st.partition(topic, 0); p.Leader != want {
		st.t.Errorf("%s: %+v, want leader %d", topic, p, want)
	}
}

func TestASilentBrokerIsFencedAfterItsSession(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	if got := st.passes(session-1, 1, 2); got != "" {
		t.Errorf("too early: %s", got)
	}
	if got := st.passes(1, 1, 2); got != "fence 0" {
		t.Errorf("%q", got)
	}
	st.does("ask 1: a/1 · ask 2: a/1")
	if got := st.passes(session, 1, 2); strings.Contains(got, "fence") {
		t.Errorf("%q", got)
	}
	// The whole cluster falls silent.
	if got := st.passes(2 * session); !slices.Equal(st.fencedNodes(), nodes(0, 1, 2)) {
		t.Errorf("%q, fenced %v", got, st.fencedNodes())
	}
	if at, ok := st.s.NextTick(); ok && at.After(st.now) {
		t.Errorf("waits for %s with nobody to watch", at)
	}
}

func TestANewControllerGivesEveryBrokerASession(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	st.passes(session-1, 1)
	st.takeOver()
	if got := st.passes(session-1, 1); got != "" {
		t.Errorf("%q", got)
	}
	if got := st.passes(1, 1); got != "fence 0" {
		t.Errorf("%q", got)
	}
}

func TestAFencedBrokerIsUnfencedOnceItHasAppliedItsRegistration(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	r := register(0, 2)
	r.Fenced = true
	st.submit(r)
	st.does("ask 1: a/1")
	epoch := st.epoch(0)
	f := func(h Heartbeat, want HeartbeatAnswer, effects string) {
		t.Helper()
		if a := st.s.Heartbeat(st.now, h); a != want {
			t.Errorf("%+v, want %+v", a, want)
		}
		st.loses(effects)
	}
	known := HeartbeatAnswer{Known: true, Fenced: true}
	f(Heartbeat{Node: 0, BrokerEpoch: epoch - 1, Applied: 99}, HeartbeatAnswer{}, "")
	f(Heartbeat{Node: 7, BrokerEpoch: epoch, Applied: 99}, HeartbeatAnswer{}, "")
	f(Heartbeat{Node: 0, BrokerEpoch: model.BrokerEpoch(st.image.Index) + 1, Applied: 99}, known, "") // to come
	f(Heartbeat{Node: 0, BrokerEpoch: epoch, Applied: uint64(epoch) - 1}, known, "")
	f(Heartbeat{Node: 0, BrokerEpoch: epoch, Applied: uint64(epoch)}, known, "unfence 0")
	f(Heartbeat{Node: 0, BrokerEpoch: epoch, Applied: uint64(epoch)}, known, "") // it is on its way
	st.now = st.now.Add(retry)
	if a := st.beats(0); a != known {
		t.Errorf("%+v", a)
	}
	st.does("unfence 0")
	st.does("ask 0: a/1 · ask 1: a/1") // 1 has been silent for as long
	if a := st.beats(0); a != (HeartbeatAnswer{Known: true}) {
		t.Errorf("%+v", a)
	}
}

func TestAClosedConnectionIsProbedAtOnce(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.s.ConnectionLost(st.now, 0)
	st.s.ConnectionLost(st.now, 0)
	st.s.ConnectionLost(st.now, 9)
	st.does("probe 0")
	st.s.ProbeAnswered(st.now, 0)
	st.does("")
	st.s.ConnectionLost(st.now, 0)
	st.does("probe 0")
	st.s.ProbeRefused(st.now, 0, st.epoch(0)-1) // what an earlier run left behind
	st.does("")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.does("fence 0")
	st.does("ask 1: a/1 · ask 2: a/1")
	st.s.ConnectionLost(st.now, 0) // it is fenced
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.s.ProbeRefused(st.now, 9, 1)
	st.does("")
}

func TestALostCommandIsSubmittedAgain(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.loses("fence 0")
	if got := st.passes(retry, 1, 2); got != "fence 0 | ask 1: a/1 · ask 2: a/1" && got != "fence 0" {
		t.Errorf("%q", got)
	}
	st.happens()
	st.answers(1, "a 0 5")
	st.answers(2, "a 0 5")
	st.loses("elect a=1")
	st.answers(2, "a 0 5")
	st.does("") // not before retry
	if got := st.passes(retry, 1, 2); got != "elect a=1" {
		t.Errorf("%q", got)
	}
	st.leader("a", 1)
}

func TestABrokerThatIsHeardOfIsNotFencedAfterAll(t *testing.T) {
	st := newStory(t, 2, "a 0 1")
	st.s.ProbeRefused(st.now, 0, st.epoch(0))
	st.loses("fence 0")
	st.beats(0)
	if got := st.passes(session-1, 1); got != "" {
		t.Errorf("%q", got)
	}
}

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
