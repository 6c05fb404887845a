package controller

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// demands has somebody ask for unclean elections, as membership.Office does it.
func (st *story) demands(topics ...string) {
	st.t.Helper()
	var command ElectUncleanly
	for _, topic := range topics {
		command.Partitions = append(command.Partitions, PartitionName{Topic: topic})
	}
	var refs []PartitionRef
	for _, p := range must[UncleanlyElecting](st.cluster, command).Partitions {
		if p.Err != nil {
			st.t.Fatalf("%v", p.Err)
		}
		refs = append(refs, p.Of)
	}
	st.s.ElectUncleanly(st.now, refs)
}

func (st *story) fences(nodes ...model.NodeID) {
	st.t.Helper()
	for _, n := range nodes {
		st.submit(FenceBroker{Node: n, Epoch: st.epoch(n)})
	}
}

func (st *story) inSync(topic string, want ...model.NodeID) {
	st.t.Helper()
	if p := st.partition(topic, 0); !slices.Equal(p.ISR, want) || len(p.Lost) > 0 {
		st.t.Errorf("%s: in sync %v, lost %v, want %v", topic, p.ISR, p.Lost, want)
	}
}

func TestOneOfThreeInSyncIsElectedWhenSomebodyAsks(t *testing.T) {
	st := newStory(t, 4, "a 0 1 2 3")
	st.propose(0, st.change("a", 0, nodes(0, 1, 2), nil)) // 3 has fallen behind
	st.fences(0, 1)
	st.does("ask 2: a/1")
	st.answers(2, "a 0 5")
	st.does("")
	if got := st.passes(10*session, 2, 3); got != "" {
		t.Errorf("without being asked it does %q", got)
	}
	st.demands("a")
	before := st.s.Effects()
	if words := strings.Join(st.words(before), " · "); words != "elect a=2 uncleanly" { // it has answered
		t.Fatalf("does %q", words)
	}
	st.submit(before.Commands[0])
	st.leader("a", 2)
	st.inSync("a", 2)
	want := []UncleanElection{{Topic: "a", Leader: 2, LeaderEpoch: 2, InSync: nodes(0, 1, 2), LogEnd: 5, Demanded: true}}
	if told := st.s.Effects().Unclean; !reflect.DeepEqual(told, want) {
		t.Errorf("told %+v, want %+v", told, want)
	}
	// Who was in sync is nobody special when it comes back.
	st.submit(UnfenceBroker{Node: 0, Epoch: st.epoch(0)})
	st.fences(2)
	st.does("")
	if p := st.partition("a", 0); p.Leader != model.NoNode || !slices.Equal(p.ISR, nodes(2)) {
		t.Errorf("%+v", p)
	}
	// Alone it is elected at once, without being asked.
	st.submit(UnfenceBroker{Node: 2, Epoch: st.epoch(2)})
	st.does("")
	st.leader("a", 2)
}

func TestWhereACleanElectionIsPossibleItIsTheOnlyOne(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.fences(0)
	st.does("ask 1: a/1 · ask 2: a/1")
	st.demands("a")
	st.answers(2, "a 0 5")
	if got := st.passes(2*retry, 1, 2); strings.Contains(got, "elect") {
		t.Errorf("%q", got)
	}
	// And what was asked for then does not count for what happens later.
	st.fences(1)
	if got := st.passes(2*retry, 2); strings.Contains(got, "elect") {
		t.Errorf("%q", got)
	}
	st.submit(UnfenceBroker{Node: 1, Epoch: st.epoch(1)})
	st.happens()
	st.answers(1, "a 0 9")
	st.does("elect a=1")
	st.inSync("a", 0, 1, 2)
	if told := st.s.Effects().Unclean; told != nil {
		t.Errorf("told %+v", told)
	}
}

func TestOthersAreElectedOnlyWhereNobodyInSyncIsThere(t *testing.T) {
	st := newStory(t, 4, "a 0 1 2 3")
	st.propose(0, st.change("a", 0, nodes(0), nil))
	st.fences(0)
	st.demands("a")
	st.does("ask 1: a/1 · ask 2: a/1 · ask 3: a/1")
	st.answers(1, "a 0 9")
	st.answers(2, "a 1 4")
	st.does("") // 3 may have more
	st.answers(3, "a 1 4")
	st.does("elect a=2 uncleanly") // the normal epoch first, then the log's end, then the order
	st.inSync("a", 2)
}

func TestCandidatesThatDoNotAnswerAreNotWaitedForForEver(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	st.propose(0, st.change("a", 0, nodes(0), nil))
	st.fences(0)
	st.demands("a")
	st.does("ask 1: a/1 · ask 2: a/1")
	st.answers(2, "a 0 1")
	if got := st.passes(retry-1, 1, 2); got != "" {
		t.Errorf("%q", got)
	}
	if got := st.passes(1, 1, 2); got != "elect a=2 uncleanly · ask 1: a/1" {
		t.Errorf("%q", got)
	}
}

// All members are lost, as with the power in a topic that acknowledges what is not synced.
func TestTheLostAreElectedWhereNobodyElseIsThere(t *testing.T) {
	st := newStory(t, 3, "a 0 1 2")
	for n := range model.NodeID(3) {
		r := register(n, 2)
		r.Directory = model.UUID{9, byte(n)}
		st.submit(r)
	}
	if p := st.partition("a", 0); len(p.Lost) != 3 {
		t.Fatalf("%+v", p)
	}
	st.happens()
	st.demands("a")
	st.does("ask 0: a/1 · ask 1: a/1 · ask 2: a/1")
	st.answers(0, "a 0 5")
	st.answers(1, "a 0 7")
	st.answers(2, "a 0 6")
	st.does("elect a=1 uncleanly")
	st.inSync("a", 1)
}

func TestASettingAllowsUncleanElections(t *testing.T) {
	broker := meta.Resource{Type: meta.BrokerResource}
	const enable = "unclean.leader.election.enable"
	f := func(byDefault bool, alter func(*story), want string) {
		t.Helper()
		st := newStory(t, 3, "a 0 1 2")
		st.s = NewSupervisor(st.image, st.now, Timing{Session: session, Retry: retry, Unclean: 3 * retry}, byDefault)
		st.fences(0, 1)
		st.does("ask 2: a/1")
		st.answers(2, "a 0 5")
		old := st.image
		alter(st)
		st.s.Apply(meta.Diff(old, st.image), st.image, st.now)
		if got := st.passes(3*retry-1, 2); got != "" {
			t.Errorf("too early: %q", got)
		}
		if got := st.passes(1, 2); got != want {
			t.Errorf("does %q, want %q", got, want)
		}
	}
	const elected = "elect a=2 uncleanly"
	f(false, func(*story) {}, "")
	f(false, func(st *story) { st.alter(topicResource("a"), set(enable, "true")) }, elected)
	f(false, func(st *story) { st.alter(broker, set(enable, "true")) }, elected)
	f(true, func(*story) {}, elected)
	f(true, func(st *story) { st.alter(topicResource("a"), set(enable, "false")) }, "")
	f(true, func(st *story) { st.alter(broker, set(enable, "false")) }, "")
}

// What was true when the candidates were asked need not be when the election is decided.
func TestAnUncleanElectionIsDecidedByWhatIsTrueThen(t *testing.T) {
	f := func(name string, demanded bool, meanwhile func(*story), want model.NodeID) {
		t.Helper()
		st := newStory(t, 4, "a 0 1 2 3")
		st.propose(0, st.change("a", 0, nodes(0, 1), nil))
		st.fences(0, 1)
		st.happens()
		e := Election{Topic: st.image.Topics.ByName("a").ID, LeaderEpoch: 1, Leader: 2, BrokerEpoch: st.epoch(2), Unclean: true, Demanded: demanded, UncleanByDefault: !demanded}
		meanwhile(st)
		st.submit(ElectLeaders{Elections: []Election{e}})
		if p := st.partition("a", 0); p.Leader != want {
			t.Errorf("%s: %+v, want leader %d", name, p, want)
		}
	}
	f("nothing", true, func(*story) {}, 2)
	f("nothing, and the setting allows it", false, func(*story) {}, 2)
	f("a member in sync is back", true, func(st *story) { st.submit(UnfenceBroker{Node: 1, Epoch: st.epoch(1)}) }, model.NoNode)
	f("the candidate is gone", true, func(st *story) { st.fences(2) }, model.NoNode)
	f("another run of it", true, func(st *story) { st.submit(register(2, 2)) }, model.NoNode)
	f("the setting", false, func(st *story) {
		st.alter(topicResource("a"), set("unclean.leader.election.enable", "false"))
	}, model.NoNode)
}

func TestUncleanElectionsThatAreNotHeld(t *testing.T) {
	st := newStory(t, 2, "led 1 0", "gone 0", "waits 0 1")
	st.fences(0)
	st.propose(1, st.change("led", 0, nodes(1), nil))
	r := must[UncleanlyElecting](st.cluster, ElectUncleanly{Partitions: []PartitionName{
		{Topic: "none"}, {Topic: "led", Partition: 1}, {Topic: "led"}, {Topic: "gone"}, {Topic: "waits"}}}).Partitions
	fails(t, r[0].Err, kerr.UnknownTopicOrPartition, "none")
	fails(t, r[1].Err, kerr.UnknownTopicOrPartition, "1")
	fails(t, r[2].Err, kerr.ElectionNotNeeded, "not needed")
	fails(t, r[3].Err, kerr.EligibleLeadersNotAvailable, "[0]")
	if r[4].Err != nil || r[4].Of.Topic != st.image.Topics.ByName("waits").ID {
		t.Errorf("%+v", r[4])
	}
	all := must[UncleanlyElecting](st.cluster, ElectUncleanly{All: true}).Partitions
	if len(all) != 2 || all[0].Topic != "gone" || all[1].Topic != "waits" {
		t.Errorf("%+v", all)
	}
}
