package controller

import (
	"net/netip"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

func (c *cluster) partition(topic string, n int) meta.Partition {
	return c.image.Topics.ByName(topic).Partitions[n]
}

func TestRegistrationVoidsWhatTheOldIncarnationLed(t *testing.T) {
	c := newCluster(t, 2)
	c.create(CreateTopic{Name: "alone", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {0}, 1: {1}}},
		CreateTopic{Name: "both", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {0, 1}, 1: {1, 0}}})
	first := c.image.Brokers.ByID(0)
	r := must[RegisteredBroker](c, register(0, 2))
	if b := c.image.Brokers.ByID(0); r.Epoch <= first.Epoch || b.Epoch != r.Epoch || b.Incarnation != (model.UUID{2}) || r.ClusterID != "c" {
		t.Errorf("%+v, %+v", r, b)
	}
	f := func(topic string, n int, leader model.NodeID, epoch model.LeaderEpoch) {
		t.Helper()
		if p := c.partition(topic, n); p.Leader != leader || p.LeaderEpoch != epoch || int32(p.PartitionEpoch) != int32(epoch) {
			t.Errorf("%s-%d: %+v", topic, n, p)
		}
	}
	f("alone", 0, 0, 1)           // nobody else can lead: elected again, in an epoch of its own
	f("alone", 1, 1, 0)           // another's
	f("both", 0, model.NoNode, 1) // who is complete has to be asked
	f("both", 1, 1, 0)
}

func TestRegistrationIsIdempotent(t *testing.T) {
	c := newCluster(t, 1)
	c.create(topicOf("a", 1, 1))
	first := must[RegisteredBroker](c, register(0, 2))
	records, result, err := register(0, 2).Decide(c.image, c.env())
	if len(records) != 0 || result != any(first) || err != nil {
		t.Errorf("%v, %v, %v; first %v", records, result, err, first)
	}
}

func TestRegistrationRefuses(t *testing.T) {
	c := newCluster(t, 2)
	f := func(change func(*RegisterBroker), code *kerr.Error, words string) {
		t.Helper()
		r := register(0, 7)
		change(&r)
		_, err := c.do(r)
		fails(t, err, code, words)
	}
	f(func(r *RegisterBroker) { r.Node = -1 }, kerr.InvalidRegistration, "negative")
	f(func(r *RegisterBroker) { r.ClusterID = "other" }, kerr.InconsistentClusterID, "belongs to cluster other")
	f(func(r *RegisterBroker) { r.Incarnation = model.UUID{} }, kerr.InvalidRegistration, "incarnation")
	f(func(r *RegisterBroker) { r.Directory = model.UUID{} }, kerr.InvalidRegistration, "directory")
	f(func(r *RegisterBroker) { r.Supports = meta.Range{} }, kerr.UnsupportedVersion, "knows metadata.version 29 (4.2-IV1), and 30 (4.3-IV0) is in force: start a build")
	f(func(r *RegisterBroker) { r.Supports = meta.Range{Oldest: meta.Newest + 1, Newest: meta.Newest + 2} }, kerr.UnsupportedVersion, "31")
	f(func(r *RegisterBroker) { r.Endpoints = nil }, kerr.InvalidRegistration, "without a listener")
	f(func(r *RegisterBroker) { r.Endpoints = append(r.Endpoints, r.Endpoints...) }, kerr.InvalidRegistration, "twice")
	f(func(r *RegisterBroker) { r.Endpoints[0].Candidates = []netip.Prefix{{}} }, kerr.InvalidRegistration, "an address that is none")

	// Two processes with one id, within one entry.
	twin := register(0, 8)
	env := c.env()
	env.Index = uint64(c.image.Brokers.ByID(0).Epoch)
	_, _, err := twin.Decide(c.image, env)
	fails(t, err, kerr.DuplicateBrokerRegistration, "node 0")
}

func TestFencingTakesLeadershipsAndUnfencingGivesBack(t *testing.T) {
	c := newCluster(t, 2)
	c.create(CreateTopic{Name: "alone", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {0}}},
		CreateTopic{Name: "both", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {0, 1}}})
	epoch := c.image.Brokers.ByID(0).Epoch
	must[BrokerChanged](c, FenceBroker{Node: 0, Epoch: epoch})
	if a, b := c.partition("alone", 0), c.partition("both", 0); a.Leader != model.NoNode || b.Leader != model.NoNode || a.LeaderEpoch != 1 || b.LeaderEpoch != 1 {
		t.Errorf("%+v, %+v", a, b)
	}
	index := c.image.Topics
	must[BrokerChanged](c, FenceBroker{Node: 0, Epoch: epoch}) // it is already
	if c.image.Topics != index {
		t.Error("fencing twice changed something")
	}
	must[BrokerChanged](c, UnfenceBroker{Node: 0, Epoch: epoch})
	if a, b := c.partition("alone", 0), c.partition("both", 0); a.Leader != 0 || a.LeaderEpoch != 2 || b.Leader != model.NoNode {
		t.Errorf("%+v, %+v", a, b)
	}
	_, err := c.do(FenceBroker{Node: 0, Epoch: epoch + 1})
	fails(t, err, kerr.StaleBrokerEpoch, "")
	_, err = c.do(UnfenceBroker{Node: 9})
	fails(t, err, kerr.BrokerIDNotRegistered, "")
}

func TestAFencedRegistrationLeadsNothing(t *testing.T) {
	c := newCluster(t, 1)
	c.create(topicOf("a", 1, 1))
	r := register(0, 2)
	r.Fenced = true
	epoch := must[RegisteredBroker](c, r).Epoch
	if p := c.partition("a", 0); p.Leader != model.NoNode {
		t.Errorf("%+v", p)
	}
	must[BrokerChanged](c, UnfenceBroker{Node: 0, Epoch: epoch})
	if p := c.partition("a", 0); p.Leader != 0 || p.LeaderEpoch != 2 {
		t.Errorf("%+v", p)
	}
}

func TestBrokersAreForgotten(t *testing.T) {
	c := newCluster(t, 2)
	c.topic("b", nodes(0))
	c.topic("a", nodes(0), nodes(1))
	_, err := c.do(UnregisterBroker{Node: 0})
	fails(t, err, kerr.InvalidRequest, "broker 0 has replicas of 2 partitions, a-0 among them; move them")
	must[DeleteTopicsResult](c, DeleteTopics{Topics: []DeleteTopic{{Name: "a"}, {Name: "b"}}})
	must[BrokerChanged](c, UnregisterBroker{Node: 0})
	if c.image.Brokers.ByID(0) != nil || c.image.Brokers.Len() != 1 {
		t.Errorf("%d brokers", c.image.Brokers.Len())
	}
	_, err = c.do(UnregisterBroker{Node: 0})
	fails(t, err, kerr.BrokerIDNotRegistered, "0")
}

// Goal: who is about to get a replica, or about to lose it, is not forgotten either.
func TestABrokerInAMoveIsNotForgotten(t *testing.T) {
	c := newCluster(t, 3)
	c.topic("a", nodes(0, 1))
	must[ReassignmentsAltered](c, AlterReassignments{Partitions: []Reassign{{Topic: "a", Replicas: nodes(1, 2)}}})
	for node := range model.NodeID(3) {
		_, err := c.do(UnregisterBroker{Node: node})
		fails(t, err, kerr.InvalidRequest, "a-0 among them")
	}
}

func TestARegistrationThatArrivesTwiceRegistersOnce(t *testing.T) {
	c := newCluster(t, 1)
	again := register(0, 2)
	again.Previous, again.Fenced, again.Unclean = c.registrationOf(0), true, true
	first := must[RegisteredBroker](c, again)
	must[BrokerChanged](c, UnfenceBroker{Node: 0, Epoch: first.Epoch})
	if got := must[RegisteredBroker](c, again); got != first {
		t.Errorf("%+v after %+v", got, first)
	}
	if c.image.Brokers.ByID(0).Fenced {
		t.Error("fenced by a copy of its own registration")
	}
}

func TestALateRegistrationDoesNotReplaceALaterRun(t *testing.T) {
	c := newCluster(t, 1)
	late := register(0, 2)
	late.Previous = c.registrationOf(0) // sent, and its run has died
	later := must[RegisteredBroker](c, register(0, 3))
	_, err := c.do(late)
	fails(t, err, kerr.DuplicateBrokerRegistration, "another run")
	if got := c.registrationOf(0); got != later.Epoch {
		t.Errorf("registered with %d, want %d", got, later.Epoch)
	}
}

// Before the version that has it the range is left out: a node of release 0.1 would
// lose it.
func TestRegistrationsSayWhatTheySupportWhereTheVersionHasIt(t *testing.T) {
	f := func(v meta.Version, supports, want meta.Range) {
		t.Helper()
		c := &cluster{t: t, image: new(meta.Image)}
		must[InitializedCluster](c, InitCluster{ID: "c"})
		image, err := c.image.After([]meta.Record{&meta.VersionRecord{Version: v}}, c.image.Index+1)
		if err != nil {
			t.Fatal(err)
		}
		c.image = image
		r := register(0, 1)
		r.Supports = supports
		must[RegisteredBroker](c, r)
		if got := c.image.Brokers.ByID(0).Supports; got != want {
			t.Errorf("version %d: %+v, want %+v", v, got, want)
		}
	}
	f(meta.Version1, meta.Range{}, meta.Range{})
	f(meta.Version1, meta.Supported, meta.Range{})
	f(meta.Version2, meta.Supported, meta.Supported)
}
