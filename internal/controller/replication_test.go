package controller

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

func nodes(n ...model.NodeID) []model.NodeID { return n }

// topic creates topic name, whose partitions have the given replicas.
func (c *cluster) topic(name string, partitions ...[]model.NodeID) *meta.Topic {
	c.t.Helper()
	assignments := make(map[model.Partition][]model.NodeID)
	for i, replicas := range partitions {
		assignments[model.Partition(i)] = replicas
	}
	r := c.create(CreateTopic{Name: name, Partitions: -1, ReplicationFactor: -1, Assignments: assignments})
	if r[0].Err != nil {
		c.t.Fatalf("%v", r[0].Err)
	}
	return c.image.Topics.ByName(name)
}

func (c *cluster) epoch(node model.NodeID) model.BrokerEpoch { return c.image.Brokers.ByID(node).Epoch }

func (c *cluster) fence(node model.NodeID) {
	c.t.Helper()
	must[BrokerChanged](c, FenceBroker{Node: node, Epoch: c.epoch(node)})
}

func (c *cluster) unfence(node model.NodeID) {
	c.t.Helper()
	must[BrokerChanged](c, UnfenceBroker{Node: node, Epoch: c.epoch(node)})
}

// is compares a partition's sets, leader and epochs.
func (c *cluster) is(name string, number int, want meta.Partition) {
	c.t.Helper()
	p := c.partition(name, number)
	want.Replicas = p.Replicas
	if !p.Equal(&want) {
		c.t.Errorf("%s-%d is\n%+v, want\n%+v", name, number, p, want)
	}
}

// change is a proposal of the partition's leader, on the state as it is, with the
// members' registrations as they are.
func (c *cluster) change(name string, number int, isr, lost []model.NodeID) ISRChange {
	p := c.partition(name, number)
	change := ISRChange{Topic: c.image.Topics.ByName(name).ID, Partition: model.Partition(number),
		LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.PartitionEpoch, Lost: lost}
	for _, n := range isr {
		m := ISRMember{Node: n}
		if b := c.image.Brokers.ByID(n); b != nil {
			m.BrokerEpoch = b.Epoch
		}
		change.ISR = append(change.ISR, m)
	}
	return change
}

func (c *cluster) propose(leader model.NodeID, changes ...ISRChange) {
	c.t.Helper()
	must[ISRsAltered](c, AlterISR{Node: leader, BrokerEpoch: c.epoch(leader), Changes: changes})
}

func TestALeaderChangesItsInSyncSet(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(2, 0, 1), nodes(2, 1, 0))
	c.propose(2, c.change("a", 0, nodes(0, 2), nil), c.change("a", 1, nodes(2), nil))
	c.is("a", 0, meta.Partition{ISR: nodes(2, 0), Leader: 2, PartitionEpoch: 1})
	c.is("a", 1, meta.Partition{ISR: nodes(2), Leader: 2, PartitionEpoch: 1})
	c.propose(2, c.change("a", 0, nodes(1, 0, 2), nil))
	c.is("a", 0, meta.Partition{ISR: nodes(2, 0, 1), Leader: 2, PartitionEpoch: 2})
}

func TestALostMemberIsTakenInAgain(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(0, 1, 2))
	for n := range model.NodeID(2) {
		emptied := register(n+1, 2)
		emptied.Directory = model.UUID{90 + byte(n)}
		must[RegisteredBroker](c, emptied)
	}
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1, 2), Lost: nodes(1, 2), Leader: 0, PartitionEpoch: 2})
	// One holds everything again, the other is known to be lost still.
	c.propose(0, c.change("a", 0, nodes(0, 1, 2), nodes(2)))
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1, 2), Lost: nodes(2), Leader: 0, PartitionEpoch: 3})
	c.propose(0, c.change("a", 0, nodes(0, 1), nodes(2)))
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1), Leader: 0, PartitionEpoch: 4})
	c.propose(0, c.change("a", 0, nodes(0, 1, 2), nil))
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1, 2), Leader: 0, PartitionEpoch: 5})
}

// Whatever cannot be taken counts the partition epoch up and changes nothing else.
func TestARefusedProposalIsRefusedForGood(t *testing.T) {
	f := func(what string, prepare func(c *cluster), propose func(c *cluster) ISRChange) {
		t.Helper()
		c := newCluster(t, 4)
		c.topic("a", nodes(0, 1, 2))
		c.propose(0, c.change("a", 0, nodes(0, 1), nil))
		prepare(c)
		change, before := propose(c), c.partition("a", 0)
		c.propose(0, change)
		after := before
		after.PartitionEpoch++
		if p := c.partition("a", 0); !p.Equal(&after) {
			t.Errorf("%s: %+v, want %+v", what, p, after)
		}
		// A copy of the same proposal, on its way when it could be taken.
		if c.image.Brokers.ByID(2).Fenced {
			c.unfence(2)
		}
		records, _, err := AlterISR{Node: 0, BrokerEpoch: c.epoch(0), Changes: []ISRChange{change}}.Decide(c.image, c.env())
		if len(records) > 0 || err != nil {
			t.Errorf("%s: a copy is decided: %v, %v", what, records, err)
		}
	}
	nothing := func(*cluster) {}
	set := func(isr, lost []model.NodeID) func(c *cluster) ISRChange {
		return func(c *cluster) ISRChange { return c.change("a", 0, isr, lost) }
	}
	f("a joining member is fenced", func(c *cluster) { c.fence(2) }, set(nodes(0, 1, 2), nil))
	f("a joining member leaves", func(c *cluster) { must[BrokerChanged](c, LeaveBroker{Node: 2, Epoch: c.epoch(2)}) }, set(nodes(0, 1, 2), nil))
	f("a joining member has a newer run", nothing, func(c *cluster) ISRChange {
		change := c.change("a", 0, nodes(0, 1, 2), nil)
		must[RegisteredBroker](c, register(2, 2))
		return change
	})
	f("a lost member has a newer run", func(c *cluster) {
		emptied := register(1, 2)
		emptied.Directory = model.UUID{9}
		must[RegisteredBroker](c, emptied)
	}, func(c *cluster) ISRChange {
		change := c.change("a", 0, nodes(0, 1), nil)
		again := register(1, 3)
		again.Directory = model.UUID{9}
		must[RegisteredBroker](c, again)
		return change
	})
	f("a member is unknown", func(c *cluster) { c.forget(2) }, func(c *cluster) ISRChange {
		change := c.change("a", 0, nodes(0, 1, 2), nil)
		must[RegisteredBroker](c, register(2, 2)) // for the end of the story
		return change
	})
	f("a member is no replica", nothing, set(nodes(0, 1, 3), nil))
	f("a member stands twice", nothing, set(nodes(0, 1, 1), nil))
	f("the leader is missing", nothing, set(nodes(1), nil))
	f("nobody is in sync", nothing, set(nil, nil))
	f("a member becomes lost", nothing, set(nodes(0, 1), nodes(1)))
	f("a new member is lost", nothing, set(nodes(0, 1, 2), nodes(2)))
}

func TestOvertakenProposalsDoNothing(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(0, 1, 2))
	shrink := c.change("a", 0, nodes(0, 1), nil)
	f := func(what string, a AlterISR) {
		t.Helper()
		if records, _, err := a.Decide(c.image, c.env()); len(records) > 0 || err != nil {
			t.Errorf("%s: %v, %v", what, records, err)
		}
	}
	alter := func(node model.NodeID, epoch model.BrokerEpoch, change ISRChange) AlterISR {
		return AlterISR{Node: node, BrokerEpoch: epoch, Changes: []ISRChange{change}}
	}
	f("not the leader", alter(1, c.epoch(1), shrink))
	f("an earlier run", alter(0, c.epoch(0)-1, shrink))
	f("an unknown broker", alter(9, 1, shrink))
	other := shrink
	other.Topic = model.UUID{99}
	f("no such topic", alter(0, c.epoch(0), other))
	other = shrink
	other.Partition = 1
	f("no such partition", alter(0, c.epoch(0), other))
	other.Partition = -1
	f("a negative partition", alter(0, c.epoch(0), other))
	other = shrink
	other.LeaderEpoch++
	f("another leader epoch", alter(0, c.epoch(0), other))
	other = shrink
	other.PartitionEpoch++
	f("another partition epoch", alter(0, c.epoch(0), other))

	// Two proposals on one state: the first counts.
	c.propose(0, shrink, c.change("a", 0, nodes(0, 2), nil))
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1), Leader: 0, PartitionEpoch: 1})
	f("a copy", alter(0, c.epoch(0), shrink))
}

func TestElectionsHappenOnce(t *testing.T) {
	c := newCluster(t, 4)
	c.topic("a", nodes(0, 1, 2))
	a := c.image.Topics.ByName("a").ID
	c.propose(0, c.change("a", 0, nodes(0, 1), nil))
	f := func(what string, e Election, elected bool) {
		t.Helper()
		records, _, err := ElectLeaders{Elections: []Election{e}}.Decide(c.image, c.env())
		if (len(records) == 1) != elected || err != nil {
			t.Errorf("%s: %v, %v", what, records, err)
		}
	}
	election := Election{Topic: a, LeaderEpoch: 0, Leader: 1, BrokerEpoch: c.epoch(1)}
	f("somebody leads", election, false)
	c.fence(0)
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 2})
	f("of an older epoch", election, false)
	election.LeaderEpoch = 1
	f("of this epoch", election, true)
	other := election
	other.Leader, other.BrokerEpoch = 2, c.epoch(2)
	f("not in sync", other, false)
	other.Leader, other.BrokerEpoch = 0, c.epoch(0)
	f("fenced", other, false)
	other = election
	other.BrokerEpoch++
	f("another run", other, false)
	other = election
	other.Partition = 7
	f("no such partition", other, false)

	must[LeadersElected](c, ElectLeaders{Elections: []Election{election, election}})
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1), Leader: 1, LeaderEpoch: 2, PartitionEpoch: 3})
	f("again", election, false)

	emptied := register(1, 2)
	emptied.Directory = model.UUID{9}
	must[RegisteredBroker](c, emptied)
	f("lost", Election{Topic: a, LeaderEpoch: 3, Leader: 1, BrokerEpoch: c.epoch(1)}, false)
}

func TestABrokerLeaves(t *testing.T) {
	c := newCluster(t, 4)
	c.topic("alone", nodes(0))
	c.topic("a", nodes(0, 1), nodes(0, 2), nodes(0, 3), nodes(1, 0))
	emptied := register(2, 2)
	emptied.Directory = model.UUID{9}
	must[RegisteredBroker](c, emptied)
	c.fence(3)
	must[BrokerChanged](c, LeaveBroker{Node: 0, Epoch: c.epoch(0)})
	if b := c.image.Brokers.ByID(0); !b.Leaving || b.Fenced {
		t.Errorf("%+v", b)
	}
	c.is("alone", 0, meta.Partition{ISR: nodes(0), Leader: 0})
	for i, want := range nodes(model.NoNode, 0, 0, 1) { // an heir, one lost, one fenced, another's
		if p := c.partition("a", i); p.Leader != want {
			t.Errorf("a-%d: %+v", i, p)
		}
	}
	// Again: what somebody else can lead by now.
	c.unfence(3)
	must[BrokerChanged](c, LeaveBroker{Node: 0, Epoch: c.epoch(0)})
	if p := c.partition("a", 2); p.Leader != model.NoNode {
		t.Errorf("%+v", p)
	}
	records, _, err := LeaveBroker{Node: 0, Epoch: c.epoch(0)}.Decide(c.image, c.env())
	if len(records) > 0 || err != nil {
		t.Errorf("a third time: %v, %v", records, err)
	}
	// It gets new partitions last, is not an heir, and comes back as another.
	if r := c.create(topicOf("b", 1, 3)); r[0].Err != nil || slices.Contains(c.partition("b", 0).Replicas, 0) {
		t.Errorf("placed on a broker that leaves: %+v", c.partition("b", 0))
	}
	c.create(CreateTopic{Name: "c", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {0, 1}}})
	c.is("c", 0, meta.Partition{ISR: nodes(1), Leader: 1})
	must[BrokerChanged](c, LeaveBroker{Node: 1, Epoch: c.epoch(1)})
	if p := c.partition("a", 3); p.Leader != 1 {
		t.Errorf("handed to one that leaves: %+v", p)
	}
	c.fence(0)
	if b := c.image.Brokers.ByID(0); !b.Leaving || !b.Fenced {
		t.Errorf("%+v", b)
	}
	must[RegisteredBroker](c, register(0, 2))
	if b := c.image.Brokers.ByID(0); b.Leaving {
		t.Errorf("%+v", b)
	}
	_, err = c.do(LeaveBroker{Node: 0, Epoch: 1})
	fails(t, err, kerr.StaleBrokerEpoch, "")
}

func TestAnEmptiedDiskIsLostWhereverItIsInSync(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(0, 1, 2), nodes(1, 0, 2), nodes(1, 2, 0))
	c.topic("alone", nodes(0))
	c.topic("others", nodes(1, 2))
	c.propose(1, c.change("a", 2, nodes(1, 2), nil))
	emptied := register(0, 2)
	emptied.Directory = model.UUID{9}
	must[RegisteredBroker](c, emptied)
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1, 2), Lost: nodes(0), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 1})
	c.is("a", 1, meta.Partition{ISR: nodes(1, 0, 2), Lost: nodes(0), Leader: 1, PartitionEpoch: 1})
	c.is("a", 2, meta.Partition{ISR: nodes(1, 2), Leader: 1, PartitionEpoch: 1}) // not in sync
	c.is("alone", 0, meta.Partition{ISR: nodes(0), Lost: nodes(0), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 1})
	c.is("others", 0, meta.Partition{ISR: nodes(1, 2), Leader: 1})
	// The next run has the same directory, and nothing more than this one.
	again := emptied
	again.Incarnation = model.UUID{3}
	must[RegisteredBroker](c, again)
	c.is("a", 0, meta.Partition{ISR: nodes(0, 1, 2), Lost: nodes(0), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 1})
	c.is("alone", 0, meta.Partition{ISR: nodes(0), Lost: nodes(0), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 1})
	c.fence(0)
	c.unfence(0)
	c.is("alone", 0, meta.Partition{ISR: nodes(0), Lost: nodes(0), Leader: model.NoNode, LeaderEpoch: 1, PartitionEpoch: 1})
}

// forget unregisters a broker that has replicas, as release 0.1 did.
func (c *cluster) forget(node model.NodeID) {
	c.t.Helper()
	records := append(electAfter(c.image, node, true), &meta.UnregisterBrokerRecord{ID: node, Epoch: c.image.Brokers.ByID(node).Epoch})
	image, err := c.image.After(records, c.image.Index+1)
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	c.image = image
}

func TestABrokerThatWasForgottenIsLost(t *testing.T) {
	c := newCluster(t, 2)
	c.topic("a", nodes(1, 0))
	c.forget(0)
	must[RegisteredBroker](c, register(0, 1)) // with which directory it was before nobody knows
	c.is("a", 0, meta.Partition{ISR: nodes(1, 0), Lost: nodes(0), Leader: 1, PartitionEpoch: 1})
}

// reboot registers broker 0 again after its machine went down.
func (c *cluster) reboot(change func(*RegisterBroker)) {
	c.t.Helper()
	c.ids++
	r := register(0, byte(c.ids%200)+20)
	r.Unclean = true
	if change != nil {
		change(&r)
	}
	must[RegisteredBroker](c, r)
}

func (c *cluster) isLost(name string) bool { return slices.Contains(c.partition(name, 0).Lost, 0) }

// Goal: after an unclean reboot a broker is lost where it may have acknowledged
// what it had not synced, and nowhere else.
func TestAnUncleanRebootLosesWhatWasNotSynced(t *testing.T) {
	never := "9223372036854775807"
	brokers := meta.Resource{Type: meta.BrokerResource}
	fenced := func(r *RegisterBroker) { r.Fenced = true }
	f := func(what string, lost bool, story func(c *cluster)) {
		t.Helper()
		c := newCluster(t, 2)
		c.topic("a", nodes(1, 0))
		c.topic("only", nodes(0))
		story(c)
		if got := c.isLost("a"); got != lost {
			t.Errorf("%s: lost is %v, %+v", what, got, c.partition("a", 0))
		}
		if c.isLost("only") {
			t.Errorf("%s: the only copy is lost", what)
		}
	}
	alter := func(c *cluster, ops ...ConfigOp) {
		t.Helper()
		if err := c.alter(topicResource("a"), ops...); err != nil {
			t.Fatal(err)
		}
	}
	settle := func(c *cluster) {
		c.reboot(func(r *RegisterBroker) { r.Unclean, r.Fenced = false, true })
		c.unfence(0)
	}

	f("everything is synced", false, func(c *cluster) { c.reboot(nil) })
	f("flush.messages", true, func(c *cluster) { alter(c, set("flush.messages", "100")); c.reboot(nil) })
	f("flush.ms", true, func(c *cluster) { alter(c, set("flush.ms", "100")); settle(c); c.reboot(nil) })
	f("a clean reboot", false, func(c *cluster) {
		alter(c, set("flush.ms", "100"))
		c.reboot(func(r *RegisterBroker) { r.Unclean = false })
	})
	f("flush.messages=1 is a sync each", false, func(c *cluster) { alter(c, set("flush.messages", "1")); settle(c); c.reboot(nil) })
	f("strict since before the run", false, func(c *cluster) {
		alter(c, set("flush.ms", "100"))
		alter(c, ConfigOp{Name: "flush.ms", Op: DeleteConfig})
		settle(c)
		c.reboot(nil)
	})
	f("strict since the run began", true, func(c *cluster) {
		alter(c, set("flush.ms", "100"))
		settle(c)
		alter(c, ConfigOp{Name: "flush.ms", Op: DeleteConfig})
		c.reboot(nil)
	})
	f("strict since before a run that never found its logs", true, func(c *cluster) {
		alter(c, set("flush.ms", "100"))
		settle(c)
		alter(c, ConfigOp{Name: "flush.ms", Op: DeleteConfig})
		c.reboot(func(r *RegisterBroker) { r.Unclean, r.Fenced = false, true })
		c.reboot(fenced)
	})
	f("a default of all brokers", true, func(c *cluster) {
		c.alter(brokers, set("log.flush.interval.messages", "100"))
		settle(c)
		c.reboot(nil)
	})
	f("a default of all brokers that was taken back", true, func(c *cluster) {
		c.alter(brokers, set("log.flush.interval.messages", "100"))
		settle(c)
		c.alter(brokers, ConfigOp{Name: "log.flush.interval.messages", Op: DeleteConfig})
		c.reboot(nil)
	})
	f("a default of another broker", false, func(c *cluster) {
		c.alter(meta.Resource{Type: meta.BrokerResource, Name: "1"}, set("log.flush.interval.ms", "100"))
		settle(c)
		c.reboot(nil)
	})
	f("a default that the topic does not follow", false, func(c *cluster) {
		alter(c, set("flush.messages", never), set("flush.ms", never))
		settle(c)
		c.alter(brokers, set("log.flush.interval.messages", "100"))
		c.reboot(nil)
	})
	relaxed := func(r *RegisterBroker) { r.Relaxed = true }
	f("the process's own default", true, func(c *cluster) { c.reboot(relaxed); c.reboot(nil) })
	f("the process's own default from now on", false, func(c *cluster) { c.reboot(relaxed) })
	f("an earlier process's own default", false, func(c *cluster) {
		c.reboot(func(r *RegisterBroker) { r.Relaxed, r.Unclean = true, false })
		settle(c)
		c.reboot(nil)
	})
	f("an earlier process's own default, not recovered", true, func(c *cluster) {
		c.reboot(func(r *RegisterBroker) { r.Relaxed, r.Unclean = true, false })
		c.reboot(func(r *RegisterBroker) { r.Unclean, r.Fenced = false, true })
		c.reboot(fenced)
	})
	f("other settings", false, func(c *cluster) {
		settle(c)
		alter(c, set("retention.ms", "100"))
		c.alter(brokers, set("log.retention.ms", "100"))
		c.reboot(nil)
	})
}

func TestARepeatedRegistrationOfALaterRunIsRecognised(t *testing.T) {
	c := newCluster(t, 1)
	r := register(0, 2)
	r.Relaxed, r.Fenced = true, true
	must[RegisteredBroker](c, register(0, 3))
	first := must[RegisteredBroker](c, r)
	records, result, err := r.Decide(c.image, c.env())
	if len(records) > 0 || result != any(first) || err != nil {
		t.Errorf("%v, %v, %v", records, result, err)
	}
}
