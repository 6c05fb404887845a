package controller

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// reassign gives partition 0 of a topic other replicas; nil cancels.
func (c *cluster) reassign(topic string, to ...model.NodeID) error {
	c.t.Helper()
	r := must[ReassignmentsAltered](c, AlterReassignments{Partitions: []Reassign{{Topic: topic, Replicas: to}}})
	if err := r.Partitions[0].Err; err != nil {
		return err
	}
	return nil
}

// advances takes a reassignment's next step.
func (c *cluster) advances(topic string) {
	c.t.Helper()
	must[ReassignmentsAdvanced](c, AdvanceReassignments{Partitions: []PartitionRef{{Topic: c.image.Topics.ByName(topic).ID}}})
}

// stands compares partition 0 of a topic: replicas, those that come, those that go, those
// in sync, leader and leader epoch.
func (c *cluster) stands(topic, want string) {
	c.t.Helper()
	p := c.partition(topic, 0)
	if got := fmt.Sprintf("%v +%v -%v in sync %v, %d leads %d", p.Replicas, p.Adding, p.Removing, p.ISR, p.Leader, p.LeaderEpoch); got != want {
		c.t.Errorf("%s\nwant %s", got, want)
	}
}

func TestReplicasComeBeforeOthersGo(t *testing.T) {
	c := newCluster(t, 5)
	c.topic("a", nodes(0, 1, 2))
	if err := c.reassign("a", 3, 1, 0); err != nil {
		t.Fatal(err)
	}
	c.stands("a", "[3 1 0 2] +[3] -[2] in sync [1 0 2], 0 leads 0")
	if p := c.partition("a", 0); p.Replaced() || movesOn(c.image, &p) {
		t.Error("somebody may go already")
	}
	c.propose(0, c.change("a", 0, nodes(0, 1, 2, 3), nil))
	if p := c.partition("a", 0); !p.Replaced() || movesOn(c.image, &p) {
		t.Error("nobody may go, or somebody is taken out by others than the leader")
	}
	c.propose(0, c.change("a", 0, nodes(0, 1, 3), nil))
	c.advances("a")
	c.stands("a", "[3 1 0] +[] -[] in sync [3 1 0], 0 leads 1")
}

func TestALeaderThatGoesHandsOver(t *testing.T) {
	c := newCluster(t, 4)
	c.topic("a", nodes(0, 1))
	if err := c.reassign("a", 2, 3); err != nil {
		t.Fatal(err)
	}
	c.propose(0, c.change("a", 0, nodes(0, 1, 2, 3), nil))
	c.advances("a") // two of those that stay are not enough to elect one of four
	c.stands("a", "[2 3 0 1] +[2 3] -[0 1] in sync [2 3 0 1], 0 leads 0")
	c.propose(0, c.change("a", 0, nodes(0, 2, 3), nil))
	c.advances("a")
	c.stands("a", "[2 3 0 1] +[2 3] -[0 1] in sync [2 3 0], -1 leads 1")
	if !c.partition("a", 0).PreferFirst {
		t.Error("the first is not preferred")
	}
	must[LeadersElected](c, ElectLeaders{Elections: []Election{{Topic: c.image.Topics.ByName("a").ID, LeaderEpoch: 1, Leader: 3, BrokerEpoch: c.epoch(3)}}})
	c.propose(3, c.change("a", 0, nodes(2, 3), nil))
	c.advances("a")
	c.stands("a", "[2 3] +[] -[] in sync [2 3], 3 leads 3")
}

// Where those that stay are fewer than were in sync, nobody goes: a member that is down is
// waited for.
func TestThereAreNeverFewerCopiesInSync(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(0, 1, 2))
	c.propose(0, c.change("a", 0, nodes(0, 2), nil))
	if err := c.reassign("a", 0, 1); err != nil {
		t.Fatal(err)
	}
	if p := c.partition("a", 0); p.Replaced() {
		t.Error("one of two copies may go")
	}
	c.propose(0, c.change("a", 0, nodes(0, 1, 2), nil))
	if p := c.partition("a", 0); !p.Replaced() {
		t.Error("one of three copies may not go")
	}
}

func TestAMoveIsCancelled(t *testing.T) {
	c := newCluster(t, 4)
	c.topic("a", nodes(0, 1))
	if err := c.reassign("a"); err == nil {
		t.Error("cancelled what was not under way")
	}
	if err := c.reassign("a", 2, 3); err != nil {
		t.Fatal(err)
	}
	c.propose(0, c.change("a", 0, nodes(0, 1, 2), nil))
	if err := c.reassign("a"); err != nil {
		t.Fatal(err)
	}
	// 3 was not in sync and is gone, 2 is taken out by the leader.
	c.stands("a", "[0 1 2] +[2] -[2] in sync [0 1 2], 0 leads 1")
	if err := c.reassign("a"); err != nil { // whoever had no answer asks again
		t.Fatal(err)
	}
	c.stands("a", "[0 1 2] +[2] -[2] in sync [0 1 2], 0 leads 1")
	c.propose(0, c.change("a", 0, nodes(0, 1), nil))
	c.advances("a")
	c.stands("a", "[0 1] +[] -[] in sync [0 1], 0 leads 2")
}

func TestAnotherTargetTakesTheFirstOnesPlace(t *testing.T) {
	c := newCluster(t, 5)
	c.topic("a", nodes(0, 1))
	for _, to := range [][]model.NodeID{nodes(2, 3), nodes(3, 4)} {
		if err := c.reassign("a", to...); err != nil {
			t.Fatal(err)
		}
	}
	c.stands("a", "[3 4 0 1] +[3 4] -[0 1] in sync [0 1], 0 leads 1")
	if err := c.reassign("a", 1, 0); err != nil {
		t.Fatal(err)
	}
	c.stands("a", "[1 0] +[] -[] in sync [1 0], 0 leads 2")
}

func TestMovesThatAreRefused(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(0, 1))
	for _, f := range []struct {
		why  *kerr.Error
		move Reassign
	}{
		{kerr.UnknownTopicOrPartition, Reassign{Topic: "b", Replicas: nodes(0)}},
		{kerr.UnknownTopicOrPartition, Reassign{Topic: "a", Partition: 1, Replicas: nodes(0)}},
		{kerr.InvalidReplicaAssignment, Reassign{Topic: "a", Replicas: []model.NodeID{}}},
		{kerr.InvalidReplicaAssignment, Reassign{Topic: "a", Replicas: nodes(0, 0)}},
		{kerr.InvalidReplicaAssignment, Reassign{Topic: "a", Replicas: nodes(0, 7)}},
		{kerr.InvalidReplicationFactor, Reassign{Topic: "a", Replicas: nodes(0, 1, 2)}},
	} {
		before := c.partition("a", 0)
		r := must[ReassignmentsAltered](c, AlterReassignments{Partitions: []Reassign{f.move}, FixedFactor: true})
		if err := r.Partitions[0].Err; err == nil || int16(err.Code) != f.why.Code {
			t.Errorf("%+v: %v, want %v", f.move, err, f.why)
		}
		if p := c.partition("a", 0); !p.Equal(&before) {
			t.Errorf("%+v changed the partition", f.move)
		}
	}
}

// The Supervisor takes the steps, and elects one of those that stay.
// What was decided of an older image is not forced on a newer one.
func TestAMoveThatExpectsOtherReplicasIsRefused(t *testing.T) {
	c := newCluster(t, 4)
	c.topic("a", nodes(0, 1))
	move := func(from, to []model.NodeID) *wire.Error {
		r := must[ReassignmentsAltered](c, AlterReassignments{FixedFactor: true, Partitions: []Reassign{{Topic: "a", Only: from, Replicas: to}}})
		return r.Partitions[0].Err
	}
	fails(t, move(nodes(1, 0), nodes(2, 0)), kerr.InvalidRequest, "not on [1 0] alone any more")
	if err := move(nodes(0, 1), nodes(2, 1)); err != nil {
		t.Fatal(err)
	}
	fails(t, move(nodes(2, 1), nodes(3, 1)), kerr.InvalidRequest, "not on [2 1] alone any more") // it is moving
}

func TestAMoveGoesOnByItself(t *testing.T) {
	st := newStory(t, 3, "a 0 1")
	st.submit(AlterReassignments{Partitions: []Reassign{{Topic: "a", Replicas: nodes(2, 1)}}})
	st.does("")
	st.submit(AlterISR{Node: 0, BrokerEpoch: st.epoch(0), Changes: []ISRChange{st.change("a", 0, nodes(0, 1, 2), nil)}})
	st.does("advance a")
	st.does("ask 0: a/1 · ask 1: a/1 · ask 2: a/1")
	st.answers(0, "a 0 9")
	st.answers(1, "a 0 8")
	st.answers(2, "a 0 8")
	st.does("elect a=2")
	st.submit(AlterISR{Node: 2, BrokerEpoch: st.epoch(2), Changes: []ISRChange{st.change("a", 0, nodes(1, 2), nil)}})
	st.does("advance a")
	st.stands("a", "[2 1] +[] -[] in sync [2 1], 2 leads 3")
	st.does("")
	if len(st.s.moves)+len(st.s.handovers)+len(st.s.waitingMoves) > 0 {
		t.Errorf("moves that have ended are kept: %v, %v, %v", st.s.moves, st.s.handovers, st.s.waitingMoves)
	}
}

// A leader that goes has nobody to hand over to while one of those that stay is fenced. When
// that one serves again nothing of the partition changes, and the move goes on all the same.
func TestAMoveGoesOnWhenAnHeirIsBack(t *testing.T) {
	st := newStory(t, 3, "a 0")
	st.submit(AlterReassignments{Partitions: []Reassign{{Topic: "a", Replicas: nodes(1, 2)}}})
	st.submit(AlterISR{Node: 0, BrokerEpoch: st.epoch(0), Changes: []ISRChange{st.change("a", 0, nodes(0, 1, 2), nil)}})
	st.does("advance a")
	st.does("ask 0: a/1 · ask 1: a/1 · ask 2: a/1")
	st.fences(2)
	st.submit(ElectLeaders{Elections: []Election{{Topic: st.image.Topics.ByName("a").ID, LeaderEpoch: 1, Leader: 0, BrokerEpoch: st.epoch(0)}}})
	st.does("")
	if got := st.passes(2*retry, 0, 1); got != "" {
		t.Errorf("without an heir: %q", got)
	}
	st.beats(2)
	st.does("unfence 2")
	st.does("advance a")
	st.stands("a", "[1 2 0] +[1 2] -[0] in sync [1 2 0], -1 leads 3")
}

// A leader that was elected again hands over again after a while, not at once.
func TestAHandoverIsNotRepeatedAtOnce(t *testing.T) {
	st := newStory(t, 2, "a 0")
	st.submit(AlterReassignments{Partitions: []Reassign{{Topic: "a", Replicas: nodes(1)}}})
	st.submit(AlterISR{Node: 0, BrokerEpoch: st.epoch(0), Changes: []ISRChange{st.change("a", 0, nodes(0, 1), nil)}})
	st.does("advance a")
	st.does("ask 0: a/1 · ask 1: a/1")
	st.submit(ElectLeaders{Elections: []Election{{Topic: st.image.Topics.ByName("a").ID, LeaderEpoch: 1, Leader: 0, BrokerEpoch: st.epoch(0)}}})
	st.does("")
	if got := st.passes(retry, 0, 1); got != "advance a" {
		t.Errorf("%q", got)
	}
}

func TestTheFirstReplicaIsElectedWhereItHoldsEnough(t *testing.T) {
	for _, f := range []struct {
		first, second, third string
		want                 string
	}{
		{"a 0 10", "a 0 12", "a 0 10", "elect a=0"}, // what only one of three has is not committed
		{"a 0 10", "a 0 12", "a 0 12", "elect a=1"},
		{"a 0 10", "a 1 3", "a 1 3", "elect a=1"},
		{"a 0 10", "a 1 3", "a 0 3", "elect a=0"},
	} {
		st := newStory(t, 3, "a 1 2 0")
		must[ReassignmentsAltered](st.cluster, AlterReassignments{Partitions: []Reassign{{Topic: "a", Replicas: nodes(0, 1, 2)}}})
		st.takeOver()
		st.submit(PreferLeaders{Partitions: []PartitionName{{"a", 0}}})
		st.does("ask 0: a/1 · ask 1: a/1 · ask 2: a/1")
		st.answers(0, f.first)
		st.does("") // the others may hold more
		st.answers(1, f.second)
		st.answers(2, f.third)
		st.does(f.want)
		if p := st.partition("a", 0); p.PreferFirst {
			t.Error("an election that has ended is asked for still")
		}
	}
}

func TestElectionsOfFirstReplicasThatAreRefused(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("leads", nodes(0, 1, 2))
	c.topic("out", nodes(0, 1, 2))
	c.topic("other", nodes(0, 1, 2))
	for _, name := range []string{"out", "other"} {
		if err := c.reassign(name, 1, 0, 2); err != nil {
			t.Fatal(err)
		}
	}
	c.propose(0, c.change("out", 0, nodes(0, 2), nil))
	r := must[LeadersPreferred](c, PreferLeaders{Partitions: []PartitionName{{"leads", 0}, {"out", 0}, {"none", 0}, {"leads", 9}, {"other", 0}}})
	for i, want := range []*kerr.Error{kerr.ElectionNotNeeded, kerr.PreferredLeaderNotAvailable, kerr.UnknownTopicOrPartition, kerr.UnknownTopicOrPartition, nil} {
		if err := r.Partitions[i].Err; (err == nil) != (want == nil) || err != nil && int16(err.Code) != want.Code {
			t.Errorf("%v: %v, want %v", r.Partitions[i].PartitionName, err, want)
		}
	}
	c.is("other", 0, meta.Partition{ISR: nodes(1, 0, 2), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 2, PreferFirst: true})
	if r := must[LeadersPreferred](c, PreferLeaders{All: true}); len(r.Partitions) > 0 {
		t.Errorf("elections that nobody needs: %+v", r)
	}
}

// First replicas lead again by themselves, some time after they can; many of them a part at
// a time; and none where nobody asks for it.
func TestFirstReplicasLeadAgain(t *testing.T) {
	const after = 5 * time.Second
	st := newStory(t, 2)
	assignments := map[model.Partition][]model.NodeID{}
	for i := range model.Partition(preferMax + 1) {
		assignments[i] = nodes(0, 1)
	}
	st.create(CreateTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignments: assignments})
	move := AlterReassignments{}
	for i := range model.Partition(preferMax + 1) {
		move.Partitions = append(move.Partitions, Reassign{Topic: "a", Partition: i, Replicas: nodes(1, 0)})
	}
	must[ReassignmentsAltered](st.cluster, move)
	st.takeOver()
	if at, ok := st.s.NextTick(); !ok || at.Before(st.now.Add(session)) {
		t.Errorf("without being asked for it is done at %v", at)
	}
	st.s = NewSupervisor(st.image, st.now, Timing{Session: time.Hour, Retry: retry, Prefer: after}, false)
	if got := st.passes(after-1, 0, 1); got != "" {
		t.Errorf("too early: %q", got)
	}
	leaderless := func() (n int) {
		for _, p := range st.image.Topics.ByName("a").Partitions {
			if p.Leader == model.NoNode {
				n++
			}
		}
		return n
	}
	for _, want := range []int{preferMax, preferMax + 1} {
		st.now = st.now.Add(after)
		st.s.Tick(st.now)
		for _, command := range st.s.Effects().Commands {
			st.submit(command)
		}
		if got := leaderless(); got != want {
			t.Errorf("%d elections are under way, want %d", got, want)
		}
	}
}

// A first replica that others outdo is not elected again and again.
func TestAFirstReplicaThatHoldsLessIsLeftInPeace(t *testing.T) {
	const after = 5 * time.Second
	st := newStory(t, 2, "a 0 1")
	must[ReassignmentsAltered](st.cluster, AlterReassignments{Partitions: []Reassign{{Topic: "a", Replicas: nodes(1, 0)}}})
	st.s = NewSupervisor(st.image, st.now, Timing{Session: time.Hour, Retry: retry, Prefer: after}, false)
	elections := 0
	for range 10 {
		st.now = st.now.Add(time.Second)
		st.s.Tick(st.now)
		for _, command := range st.s.Effects().Commands {
			st.submit(command)
			elections++
			st.submit(ElectLeaders{Elections: []Election{{Topic: st.image.Topics.ByName("a").ID,
				LeaderEpoch: st.partition("a", 0).LeaderEpoch, Leader: 0, BrokerEpoch: st.epoch(0)}}})
		}
	}
	if elections != 2 {
		t.Errorf("%d elections in ten seconds", elections)
	}
}

// While replicas come and go, what goes by their number goes by those that stay.
func TestAMoveDoesNotRaiseMinInsync(t *testing.T) {
	c := newCluster(t, 6)
	c.topic("a", nodes(0, 1, 2))
	if err := c.reassign("a", 3, 4, 5); err != nil {
		t.Fatal(err)
	}
	if n, err := MinInsync(c.image, c.image.Topics.ByName("a")); n != 2 || err != nil {
		t.Errorf("min.insync.replicas is %d, %v", n, err)
	}
	must[CreatePartitionsResult](c, CreatePartitions{Topics: []GrowTopic{{Name: "a", Count: 2}}})
	if p := c.partition("a", 1); len(p.Replicas) != 3 {
		t.Errorf("a new partition is on %v", p.Replicas)
	}
}
