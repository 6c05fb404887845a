package controller

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// storm is a cluster whose brokers come, go and lose their disks, and whose
// messages get lost.
type storm struct {
	*cluster
	t    *rapid.T
	s    *Supervisor
	now  time.Time
	late []Question // asked, and not answered yet
	runs byte
	// said is what each broker has answered, by the partition's epoch.
	said map[partitionKey]map[model.LeaderEpoch]map[model.NodeID]AnswerItem
}

func newStorm(t *rapid.T) *storm {
	st := &storm{cluster: &cluster{t: t, image: new(meta.Image)}, t: t, now: time.Unix(1000, 0),
		said: make(map[partitionKey]map[model.LeaderEpoch]map[model.NodeID]AnswerItem)}
	must[InitializedCluster](st.cluster, InitCluster{ID: "c"})
	for n := range model.NodeID(5) {
		must[RegisteredBroker](st.cluster, register(n, 1))
	}
	st.create(topicOf("a", 2, 1), topicOf("b", 2, 2), topicOf("c", 3, 3), topicOf("d", 2, 5))
	st.s = NewSupervisor(st.image, st.now, Timing{Session: session, Retry: retry}, false)
	return st
}

func (st *storm) submit(command Command) {
	before := st.image
	if _, err := st.do(command); err == nil {
		st.s.Apply(meta.Diff(before, st.image), st.image, st.now)
	}
}

// effects are carried out, but for those that get lost.
func (st *storm) effects(lost func() bool) {
	for {
		e := st.s.Effects()
		for _, q := range e.Questions {
			if !lost() {
				st.late = append(st.late, q)
			}
		}
		for _, command := range e.Commands {
			if c, ok := command.(ElectLeaders); ok {
				st.check(c)
			}
			if !lost() {
				st.submit(command)
			}
		}
		if len(e.Commands) == 0 {
			return
		}
	}
}

// check checks that enough members have answered that the elected is as complete
// as: every committed record is with one of them.
func (st *storm) check(c ElectLeaders) {
	for _, e := range c.Elections {
		key := partitionKey{e.Topic, e.Partition}
		p := findPartition(st.image, key)
		if p == nil || p.LeaderEpoch != e.LeaderEpoch {
			continue
		}
		said := st.said[key][e.LeaderEpoch]
		leader, answered := said[e.Leader]
		count := 0
		for node, item := range said {
			if slices.Contains(p.ISR, node) && better(&leader, &item) >= 0 {
				count++
			}
		}
		if !answered || slices.Contains(p.Lost, e.Leader) || count < isr.ElectionAnswers(len(p.ISR)) {
			st.t.Fatalf("%+v of %+v is elected by %+v", e, p, said)
		}
	}
}

// answer answers a question as the broker's run of that time does.
func (st *storm) answer(q Question) {
	a := Answer{Node: q.Node, BrokerEpoch: q.BrokerEpoch}
	b := st.image.Brokers.ByID(q.Node)
	if b == nil || b.Epoch != q.BrokerEpoch {
		return
	}
	for _, item := range q.Items {
		key := partitionKey{item.Topic, item.Partition}
		answer := AnswerItem{Topic: item.Topic, Partition: item.Partition, LeaderEpoch: item.LeaderEpoch,
			NormalEpoch: item.LeaderEpoch - model.LeaderEpoch(q.Node+1)%2, LogEnd: model.Offset(int(q.BrokerEpoch) * 7 % 5)}
		if st.said[key] == nil {
			st.said[key] = make(map[model.LeaderEpoch]map[model.NodeID]AnswerItem)
		}
		if st.said[key][item.LeaderEpoch] == nil {
			st.said[key][item.LeaderEpoch] = make(map[model.NodeID]AnswerItem)
		}
		st.said[key][item.LeaderEpoch][q.Node] = answer
		a.Items = append(a.Items, answer)
	}
	st.s.Answer(st.now, a)
}

func (st *storm) beat(node model.NodeID, leave bool) {
	if b := st.image.Brokers.ByID(node); b != nil {
		st.s.Heartbeat(st.now, st.now, Heartbeat{Node: node, BrokerEpoch: b.Epoch, Applied: st.image.Index, Leave: leave})
	}
}

func (st *storm) happen() {
	t := st.t
	node := model.NodeID(rapid.IntRange(0, 4).Draw(t, "node"))
	epoch := st.epoch(node)
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		st.runs++
		r := register(node, st.runs+10)
		r.Fenced = rapid.Bool().Draw(t, "fenced")
		if rapid.IntRange(0, 9).Draw(t, "emptied") == 0 {
			r.Directory = model.UUID{100, st.runs}
		}
		st.submit(r)
	case 1:
		st.s.ConnectionLost(st.now, node)
		st.s.ProbeRefused(st.now, node, epoch)
	case 2:
		st.beat(node, rapid.IntRange(0, 3).Draw(t, "leave") == 0)
	case 3, 4, 5:
		if len(st.late) > 0 {
			i := rapid.IntRange(0, len(st.late)-1).Draw(t, "question")
			st.answer(st.late[i])
			if rapid.Bool().Draw(t, "once") {
				st.late = slices.Delete(st.late, i, i+1)
			}
		}
	case 6:
		st.now = st.now.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second)
		st.s.Tick(st.now)
	case 7:
		st.s = NewSupervisor(st.image, st.now, Timing{Session: session, Retry: retry}, false)
	default:
		if at, ok := st.s.NextTick(); ok && at.After(st.now) {
			st.now = at
		}
		st.s.Tick(st.now)
	}
	st.effects(func() bool { return rapid.IntRange(0, 3).Draw(t, "lost") == 0 })
	leaderless := 0
	for topic := range st.image.Topics.All() {
		for i := range topic.Partitions {
			if topic.Partitions[i].Leader == model.NoNode {
				leaderless++
			}
		}
	}
	if len(st.s.elections) != leaderless {
		t.Fatalf("%d elections for %d partitions without a leader", len(st.s.elections), leaderless)
	}
}

// Goal: nobody is elected whom too few have answered for, whatever happens; and
// once messages arrive again, every partition gets a leader that can get one, and
// the Supervisor falls silent. Method: random events, and then a calm.
func TestElectionsAreSafeAndEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := newStorm(t)
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			st.happen()
		}
		for range 8 {
			st.now = st.now.Add(retry)
			for n := range model.NodeID(5) {
				st.beat(n, false)
			}
			st.s.Tick(st.now)
			st.effects(func() bool { return false })
			for len(st.late) > 0 {
				questions := st.late
				st.late = nil
				for _, q := range questions {
					st.answer(q)
				}
				st.effects(func() bool { return false })
			}
		}
		for topic := range st.image.Topics.All() {
			for i := range topic.Partitions {
				p := &topic.Partitions[i]
				if able := len(p.ISR) - len(p.Lost); p.Leader == model.NoNode && able >= isr.ElectionAnswers(len(p.ISR)) {
					t.Fatalf("%s-%d has no leader: %+v", topic.Name, i, p)
				}
			}
		}
		if at, _ := st.s.NextTick(); at.Before(st.now.Add(session)) {
			t.Fatalf("there is something to do in %s", at.Sub(st.now))
		}
	})
}
