package controller

import (
	"fmt"
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
	st.s = NewSupervisor(st.image, st.now, Timing{Session: session, Retry: retry}, false)
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
//	fence 1 · unfence 1 · leave 1 · elect a=1 b=2 uncleanly · ask 1: a/3 b/1 · probe 1 · advance a
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
				how := ""
				if e.Unclean {
					how = " uncleanly"
				}
				each = append(each, fmt.Sprintf("%s=%d%s", st.image.Topics.ByID(e.Topic).Name, e.Leader, how))
			}
			words = append(words, "elect "+strings.Join(each, " "))
		case AdvanceReassignments:
			var each []string
			for _, r := range c.Partitions {
				each = append(each, st.image.Topics.ByID(r.Topic).Name)
			}
			words = append(words, "advance "+strings.Join(each, " "))
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
	return st.s.Heartbeat(st.now, st.now, Heartbeat{Node: node, BrokerEpoch: st.epoch(node), Applied: st.image.Index})
}

func (st *story) leaves(node model.NodeID, mayStop bool) {
	st.t.Helper()
	a := st.s.Heartbeat(st.now, st.now, Heartbeat{Node: node, BrokerEpoch: st.epoch(node), Applied: st.image.Index, Leave: true})
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
