package controller

import (
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// cluster is an image that commands are decided on and applied to.
type cluster struct {
	t interface {
		Helper()
		Fatalf(format string, args ...any)
		Errorf(format string, args ...any)
	}
	image *meta.Image
	ids   uint64
}

func (c *cluster) env() Env {
	return Env{Index: c.image.Index + 1, Partitions: 2, ReplicationFactor: 1, NewID: func() (id model.UUID) {
		c.ids++
		binary.BigEndian.PutUint64(id[:], c.ids)
		return id
	}}
}

// do decides and applies, and checks that the decision left the image alone,
// that its records fit, and that what they make is consistent.
func (c *cluster) do(command Command) (any, error) {
	if r, ok := command.(RegisterBroker); ok && r.Previous == 0 {
		r.Previous = c.registrationOf(r.Node) // as a broker that is up to date knows it
		command = r
	}
	c.t.Helper()
	before := string(meta.EncodeSnapshot(c.image))
	records, result, err := command.Decide(c.image, c.env())
	if string(meta.EncodeSnapshot(c.image)) != before {
		c.t.Fatalf("%s changed the image", command.Name())
	}
	if err != nil {
		if len(records) > 0 || result != nil {
			c.t.Fatalf("%s: %v, and records or a result", command.Name(), err)
		}
		if _, ok := err.(*wire.Error); !ok {
			c.t.Fatalf("%s: error is a %T", command.Name(), err)
		}
		return nil, err
	}
	checkCommandSurvives(c.t, command)
	checkResultSurvives(c.t, result)
	next, err := c.image.After(records, c.image.Index+1)
	if err != nil {
		c.t.Fatalf("%s: %v", command.Name(), err)
	}
	if err := next.Check(); err != nil {
		c.t.Fatalf("%s: %v", command.Name(), err)
	}
	c.image = next
	return result, nil
}

func (c *cluster) registrationOf(node model.NodeID) model.BrokerEpoch {
	if b := c.image.Brokers.ByID(node); b != nil {
		return b.Epoch
	}
	return 0
}

func must[R any](c *cluster, command Command) R {
	c.t.Helper()
	result, err := c.do(command)
	if err != nil {
		c.t.Fatalf("%s: %v", command.Name(), err)
	}
	return result.(R)
}

// fails expects one code and, in the message, some words.
func fails(t testing.TB, err error, code *kerr.Error, words string) {
	t.Helper()
	e, ok := err.(*wire.Error)
	switch {
	case !ok || e == nil:
		t.Errorf("no error, want %s", code.Message)
	case e.Code != wire.CodeOf(code):
		t.Errorf("%v, want %s", e, code.Message)
	case !strings.Contains(e.Message, words):
		t.Errorf("%q does not say %q", e.Message, words)
	}
}

func register(node model.NodeID, incarnation byte) RegisterBroker {
	return RegisterBroker{Node: node, Incarnation: model.UUID{incarnation}, Directory: model.UUID{byte(node) + 1},
		Endpoints: []meta.Endpoint{{Listener: "PLAINTEXT", Host: "h", Port: 9092, Protocol: "PLAINTEXT"}}, Supports: meta.Supported}
}

func newCluster(t testing.TB, brokers int) *cluster {
	t.Helper()
	c := &cluster{t: t, image: new(meta.Image)}
	must[InitializedCluster](c, InitCluster{ID: "c"})
	for n := range brokers {
		must[RegisteredBroker](c, register(model.NodeID(n), 1))
	}
	return c
}

func topicOf(name string, partitions int32, factor int16) CreateTopic {
	return CreateTopic{Name: name, Partitions: partitions, ReplicationFactor: factor}
}

func (c *cluster) create(topics ...CreateTopic) []CreatedTopic {
	c.t.Helper()
	return must[CreateTopicsResult](c, CreateTopics{Topics: topics}).Topics
}

func text(s string) *string { return &s }

func TestClusterIsInitialisedOnce(t *testing.T) {
	c := newCluster(t, 0)
	if r := must[InitializedCluster](c, InitCluster{ID: "other"}); r.ID != "c" || c.image.ClusterID != "c" || c.image.Version != meta.Newest {
		t.Fatalf("%+v, %+v", r, c.image)
	}
}

func TestTopicsAreCreated(t *testing.T) {
	c := newCluster(t, 3)
	r := c.create(topicOf("a", 5, 3), topicOf("b", -1, -1), topicOf("__consumer_offsets", 1, 1),
		CreateTopic{Name: "d", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {2, 0}, 1: {1, 2}},
			Configs: map[string]*string{"retention.ms": text("5"), "cleanup.policy": text("compact,delete")}})
	for i, want := range []CreatedTopic{{Partitions: 5, ReplicationFactor: 3}, {Partitions: 2, ReplicationFactor: 1},
		{Partitions: 1, ReplicationFactor: 1}, {Partitions: 2, ReplicationFactor: 2}} {
		if r[i].Err != nil || r[i].Partitions != want.Partitions || r[i].ReplicationFactor != want.ReplicationFactor || r[i].ID.IsZero() {
			t.Errorf("%+v", r[i])
		}
	}
	d := c.image.Topics.ByID(r[3].ID)
	want := meta.Partition{Replicas: []model.NodeID{2, 0}, ISR: []model.NodeID{2, 0}, Leader: 2}
	if !d.Partitions[0].Equal(&want) || d.Internal || !c.image.Topics.ByName("__consumer_offsets").Internal {
		t.Errorf("%+v", d)
	}
	settings := c.image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: "d"})
	if !maps.Equal(settings, map[string]string{"retention.ms": "5", "cleanup.policy": "compact,delete"}) || !maps.Equal(settings, r[3].Configs) {
		t.Errorf("settings %v", settings)
	}
}

func TestValidateOnlyCreatesNothing(t *testing.T) {
	c := newCluster(t, 1)
	r := must[CreateTopicsResult](c, CreateTopics{Topics: []CreateTopic{topicOf("a", 3, 1), topicOf("a.", 0, 1)}, ValidateOnly: true})
	if r.Topics[0].Err != nil || r.Topics[0].Partitions != 3 || !r.Topics[0].ID.IsZero() || c.image.Topics.Len() != 0 {
		t.Fatalf("%+v, %d topics", r, c.image.Topics.Len())
	}
	fails(t, r.Topics[1].Err, kerr.InvalidPartitions, "0")
	c.create(topicOf("a", 1, 1))
	grown := must[CreatePartitionsResult](c, CreatePartitions{Topics: []GrowTopic{{Name: "a", Count: 4}}, ValidateOnly: true})
	if grown.Topics[0].Err != nil || len(c.image.Topics.ByName("a").Partitions) != 1 {
		t.Fatalf("%+v", grown)
	}
	altered := must[AlterConfigsResult](c, AlterConfigs{ValidateOnly: true, Resources: []AlterResource{
		{Resource: meta.Resource{Type: meta.TopicResource, Name: "a"}, Ops: []ConfigOp{{Name: "retention.ms", Value: text("1")}}}}})
	if altered.Resources[0].Err != nil || c.image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: "a"}) != nil {
		t.Fatalf("%+v", altered)
	}
}

func TestTopicNames(t *testing.T) {
	f := func(name string, valid bool) {
		t.Helper()
		if ValidTopicName(name) != valid {
			t.Errorf("%q: %v", name, !valid)
		}
	}
	f("a", true)
	f("A-z_0.9", true)
	f("...", true)
	f(strings.Repeat("x", 249), true)
	f(strings.Repeat("x", 250), false)
	f("", false)
	f(".", false)
	f("..", false)
	f("a b", false)
	f("ä", false)
	f("a/b", false)
	f("a\x00", false)
}

func TestCreateTopicsRefuses(t *testing.T) {
	c := newCluster(t, 3)
	c.create(topicOf("there", 1, 1), topicOf("with.dot", 1, 1))
	must[BrokerChanged](c, FenceBroker{Node: 2, Epoch: c.image.Brokers.ByID(2).Epoch})
	f := func(topic CreateTopic, code *kerr.Error, words string) {
		t.Helper()
		r := c.create(topic)
		fails(t, r[0].Err, code, words)
		if c.image.Topics.Len() != 2 {
			t.Errorf("%d topics", c.image.Topics.Len())
		}
	}
	assigned := func(a map[model.Partition][]model.NodeID) CreateTopic {
		return CreateTopic{Name: "new", Partitions: -1, ReplicationFactor: -1, Assignments: a}
	}
	type replicas = map[model.Partition][]model.NodeID
	f(topicOf("a b", 1, 1), kerr.InvalidTopicException, "alphanumerics")
	f(topicOf("there", 1, 1), kerr.TopicAlreadyExists, "Topic 'there' already exists.")
	f(topicOf("with_dot", 1, 1), kerr.InvalidTopicException, "collides with existing topic: with.dot")
	f(topicOf("__cluster_metadata", 1, 1), kerr.InvalidRequest, "prohibited")
	f(topicOf("new", 0, 1), kerr.InvalidPartitions, "non-positive value: 0")
	f(topicOf("new", -2, 1), kerr.InvalidPartitions, "non-positive")
	f(topicOf("new", 1, 0), kerr.InvalidReplicationFactor, "larger than 0")
	f(topicOf("new", 1, -2), kerr.InvalidReplicationFactor, "larger than 0")
	f(topicOf("new", 1, 4), kerr.InvalidReplicationFactor, "only 3 broker(s)")
	f(topicOf("new", newPartitionsMax+1, 1), kerr.PolicyViolation, "Excessively large")
	f(assigned(replicas{1: {0}}), kerr.InvalidReplicaAssignment, "consecutive")
	f(assigned(replicas{0: {0}, 2: {0}}), kerr.InvalidReplicaAssignment, "consecutive")
	f(assigned(replicas{0: {}}), kerr.InvalidReplicaAssignment, "empty replica list")
	f(assigned(replicas{0: {7}}), kerr.InvalidReplicaAssignment, "broker 7, but no such broker is registered")
	f(assigned(replicas{0: {0, 0}}), kerr.InvalidReplicaAssignment, "more than once")
	f(assigned(replicas{0: {0, 1}, 1: {0}}), kerr.InvalidReplicaAssignment, "not consistent")
	f(assigned(replicas{0: {2}}), kerr.InvalidReplicaAssignment, "fenced")
	manual := assigned(replicas{0: {0}})
	manual.Partitions = 1
	f(manual, kerr.InvalidRequest, "numPartitions")
	manual.Partitions, manual.ReplicationFactor = -1, 1
	f(manual, kerr.InvalidRequest, "replication factor")
	config := func(name string, value *string) CreateTopic {
		return CreateTopic{Name: "new", Partitions: 1, ReplicationFactor: 1, Configs: map[string]*string{name: value}}
	}
	f(config("retention.ms", nil), kerr.InvalidConfig, "retention.ms")
	f(config("retention.ms", text("x")), kerr.InvalidConfig, "retention.ms")
	f(config("no.such", text("x")), kerr.InvalidConfig, "no.such")
	f(config("cleanup.policy", text(strings.Repeat("d", valueBytesMax+1))), kerr.InvalidConfig, "exceeds")

	r := c.create(topicOf("x", 1, 1), topicOf("x", 1, 1), topicOf("y.z", 1, 1), topicOf("y_z", 1, 1))
	fails(t, r[0].Err, kerr.InvalidRequest, "Duplicate")
	fails(t, r[1].Err, kerr.InvalidRequest, "Duplicate")
	fails(t, r[3].Err, kerr.InvalidTopicException, "collides")
	if r[2].Err != nil {
		t.Error(r[2].Err)
	}
	r = c.create(topicOf("p", newPartitionsMax-1, 1), topicOf("q", 2, 1), topicOf("r", 1, 1))
	fails(t, r[1].Err, kerr.PolicyViolation, "Excessively")
	if r[0].Err != nil || r[2].Err != nil {
		t.Error(r[0].Err, r[2].Err)
	}
}

func TestAFencedReplicaIsNotInSync(t *testing.T) {
	c := newCluster(t, 2)
	must[BrokerChanged](c, FenceBroker{Node: 0, Epoch: c.image.Brokers.ByID(0).Epoch})
	c.create(CreateTopic{Name: "a", Partitions: -1, ReplicationFactor: -1, Assignments: map[model.Partition][]model.NodeID{0: {0, 1}}})
	want := meta.Partition{Replicas: []model.NodeID{0, 1}, ISR: []model.NodeID{1}, Leader: 1}
	if p := c.image.Topics.ByName("a").Partitions[0]; !p.Equal(&want) {
		t.Errorf("%+v", p)
	}
}

func TestReplicasAreSpread(t *testing.T) {
	f := func(racks string, factor, partitions int) {
		t.Helper()
		c := newCluster(t, 0)
		for n, rack := range strings.Fields(racks) {
			r := register(model.NodeID(n), 1)
			r.Rack = strings.Trim(rack, "-")
			must[RegisteredBroker](c, r)
		}
		for _, name := range []string{"a", "b"} {
			c.create(topicOf(name, int32(partitions), int16(factor)))
			checkSpread(t, c.image, c.image.Topics.ByName(name), factor)
		}
	}
	f("-", 1, 4)
	f("- - -", 1, 7)
	f("- - -", 3, 7)
	f("- - - - -", 3, 23)
	f("a a b b c c", 3, 12)
	f("a a a b c", 3, 10)
	f("a a b", 3, 9)
	f("a a a a b b", 2, 24)
}

func checkSpread(t *testing.T, image *meta.Image, topic *meta.Topic, factor int) {
	t.Helper()
	led, held := map[model.NodeID]int{}, map[model.NodeID]int{}
	racks := map[string]bool{}
	for b := range image.Brokers.All() {
		led[b.ID], held[b.ID], racks[b.Rack] = 0, 0, true
	}
	for i, p := range topic.Partitions {
		led[p.Leader]++
		inRacks := map[string]bool{}
		for _, n := range p.Replicas {
			held[n]++
			inRacks[image.Brokers.ByID(n).Rack] = true
		}
		if len(p.Replicas) != factor || len(inRacks) != min(len(racks), factor) || p.Leader != p.Replicas[0] {
			t.Errorf("partition %d: replicas %v in racks %v", i, p.Replicas, inRacks)
		}
	}
	counts := slices.Sorted(maps.Values(led))
	if counts[len(counts)-1]-counts[0] > 1 {
		t.Errorf("leaders are spread like %v", led)
	}
	if len(racks) == 1 {
		counts = slices.Sorted(maps.Values(held))
		if counts[len(counts)-1]-counts[0] > factor {
			t.Errorf("replicas are spread like %v", held)
		}
	}
}

func TestTopicsAreDeleted(t *testing.T) {
	c := newCluster(t, 1)
	created := c.create(topicOf("a", 1, 1), topicOf("b.c", 1, 1), CreateTopic{Name: "d", Partitions: 1, ReplicationFactor: 1,
		Configs: map[string]*string{"retention.ms": text("5")}})
	r := must[DeleteTopicsResult](c, DeleteTopics{Topics: []DeleteTopic{
		{Name: "none"}, {ID: model.UUID{9}}, {Name: "a"}, {ID: created[0].ID}, {Name: "b.c", ID: created[1].ID}, {ID: created[2].ID}}}).Topics
	fails(t, r[0].Err, kerr.UnknownTopicOrPartition, "none")
	fails(t, r[1].Err, kerr.UnknownTopicID, "")
	fails(t, r[2].Err, kerr.InvalidRequest, "more than once")
	fails(t, r[3].Err, kerr.InvalidRequest, "more than once")
	fails(t, r[4].Err, kerr.InvalidRequest, "one of the two")
	if r[5].Err != nil || r[5].Name != "d" || r[5].ID != created[2].ID || c.image.Topics.Len() != 2 {
		t.Errorf("%+v, %d topics", r[5], c.image.Topics.Len())
	}
	if c.image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: "d"}) != nil {
		t.Error("the settings are still there")
	}
	again := c.create(topicOf("d", 1, 1))
	if again[0].ID == created[2].ID || again[0].Err != nil {
		t.Errorf("%+v", again[0])
	}
}

func TestPartitionsAreAdded(t *testing.T) {
	c := newCluster(t, 3)
	c.create(topicOf("a", 2, 2), topicOf("b", 1, 1))
	grow := func(g GrowTopic) *wire.Error {
		t.Helper()
		return must[CreatePartitionsResult](c, CreatePartitions{Topics: []GrowTopic{g}}).Topics[0].Err
	}
	before := c.image.Topics.ByName("a").Partitions
	if err := grow(GrowTopic{Name: "a", Count: 7}); err != nil {
		t.Fatal(err)
	}
	after := c.image.Topics.ByName("a").Partitions
	if len(after) != 7 || !after[0].Equal(&before[0]) || !after[1].Equal(&before[1]) {
		t.Errorf("%v", after)
	}
	checkSpread(t, c.image, c.image.Topics.ByName("a"), 2)
	if err := grow(GrowTopic{Name: "b", Count: 3, Assignments: [][]model.NodeID{{2}, {1}}}); err != nil {
		t.Fatal(err)
	}
	if p := c.image.Topics.ByName("b").Partitions; p[1].Leader != 2 || p[2].Leader != 1 {
		t.Errorf("%v", p)
	}
	fails(t, grow(GrowTopic{Name: "none", Count: 3}), kerr.UnknownTopicOrPartition, "none")
	fails(t, grow(GrowTopic{Name: "a", Count: 7}), kerr.InvalidPartitions, "already has 7")
	fails(t, grow(GrowTopic{Name: "a", Count: 1}), kerr.InvalidPartitions, "would not be an increase")
	fails(t, grow(GrowTopic{Name: "a", Count: 8 + newPartitionsMax}), kerr.PolicyViolation, "Excessively")
	fails(t, grow(GrowTopic{Name: "a", Count: 9, Assignments: [][]model.NodeID{{1, 2}}}), kerr.InvalidReplicaAssignment, "2 additional")
	fails(t, grow(GrowTopic{Name: "a", Count: 8, Assignments: [][]model.NodeID{{1}}}), kerr.InvalidReplicaAssignment, "not consistent")
	fails(t, grow(GrowTopic{Name: "a", Count: 8, Assignments: [][]model.NodeID{{1, 9}}}), kerr.InvalidReplicaAssignment, "no such broker")
	for n := range model.NodeID(2) {
		must[BrokerChanged](c, FenceBroker{Node: n, Epoch: c.image.Brokers.ByID(n).Epoch})
	}
	// Who is down gets a replica where those that are up do not suffice, last.
	if err := grow(GrowTopic{Name: "a", Count: 8}); err != nil {
		t.Fatal(err)
	}
	if p := c.partition("a", 7); !slices.Equal(p.ISR, nodes(2)) || p.Leader != 2 || len(p.Replicas) != 2 || p.Replicas[0] != 2 {
		t.Errorf("with two of three brokers down: %+v", p)
	}
	must[BrokerChanged](c, FenceBroker{Node: 2, Epoch: c.image.Brokers.ByID(2).Epoch})
	fails(t, grow(GrowTopic{Name: "a", Count: 9}), kerr.InvalidReplicationFactor, "All brokers are currently fenced")
	r := must[CreatePartitionsResult](c, CreatePartitions{Topics: []GrowTopic{{Name: "b", Count: 9}, {Name: "b", Count: 8}}}).Topics
	fails(t, r[0].Err, kerr.InvalidRequest, "Duplicate")
	fails(t, r[1].Err, kerr.InvalidRequest, "Duplicate")
}

func TestProducerIDsAreHandedOutOnce(t *testing.T) {
	c := newCluster(t, 1)
	epoch := c.image.Brokers.ByID(0).Epoch
	a := must[ProducerIDs](c, AllocateProducerIDs{Node: 0, Epoch: epoch})
	b := must[ProducerIDs](c, AllocateProducerIDs{Node: 0, Epoch: epoch})
	if a.First != 0 || a.Count != 1000 || b.First != 1000 {
		t.Errorf("%+v, %+v", a, b)
	}
	_, err := c.do(AllocateProducerIDs{Node: 0, Epoch: epoch + 1})
	fails(t, err, kerr.StaleBrokerEpoch, "epoch")
	_, err = c.do(AllocateProducerIDs{Node: 5})
	fails(t, err, kerr.BrokerIDNotRegistered, "5")
	exhausted, err := c.image.After([]meta.Record{&meta.ProducerIDsRecord{Next: 1<<63 - 5}}, c.image.Index)
	if err != nil {
		t.Fatal(err)
	}
	c.image = exhausted
	_, err = c.do(AllocateProducerIDs{Node: 0, Epoch: epoch})
	fails(t, err, kerr.UnknownServerError, "all producer ids")
}

func TestCommandsCanBeForwarded(t *testing.T) {
	for _, command := range []Command{AllocateProducerIDs{}, AlterConfigs{}, AlterISR{}, CreatePartitions{}, CreateTopics{}, DeleteTopics{},
		ElectLeaders{}, FenceBroker{}, InitCluster{}, LeaveBroker{}, RegisterBroker{}, UnfenceBroker{}, UnregisterBroker{}} {
		if want := fmt.Sprintf("%T", command); want != "controller."+command.Name() {
			t.Errorf("%s is called %s", want, command.Name())
		}
		kind := reflect.TypeOf(command)
		for i := range kind.NumField() {
			if !kind.Field(i).IsExported() {
				t.Errorf("%s.%s would not be serialised", command.Name(), kind.Field(i).Name)
			}
		}
	}
}
