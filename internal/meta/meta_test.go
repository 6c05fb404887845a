package meta

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
)

func id(n byte) model.TopicID { return model.TopicID{0: n, 15: 1} }

type tester interface {
	Helper()
	Fatal(args ...any)
}

func mustApply(t tester, i *Image, records ...Record) (*Image, Delta) {
	t.Helper()
	next, delta, err := i.Apply(records, i.Index+1)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Check(); err != nil {
		t.Fatal(err)
	}
	return next, delta
}

func broker(n model.NodeID, epoch model.BrokerEpoch) *RegisterBrokerRecord {
	return &RegisterBrokerRecord{Broker{ID: n, Epoch: epoch, Endpoints: []Endpoint{{Listener: "PLAINTEXT", Host: "localhost", Port: 9092, Protocol: "PLAINTEXT"}}}}
}

func topic(n byte, name string, partitions int) []Record {
	records := []Record{&TopicRecord{ID: id(n), Name: name}}
	for p := range partitions {
		records = append(records, &PartitionRecord{Topic: id(n), Index: model.Partition(p),
			Partition: Partition{Replicas: []model.NodeID{1}, ISR: []model.NodeID{1}, Leader: 1}})
	}
	return records
}

func base(t testing.TB) *Image {
	t.Helper()
	records := append([]Record{&VersionRecord{Newest}, &ClusterRecord{"c"}, broker(1, 1)}, topic(1, "a.b", 3)...)
	i, _ := mustApply(t, new(Image), append(records, topic(2, "c", 1)...)...)
	return i
}

func TestApplyLeavesTheOldImageAlone(t *testing.T) {
	i := base(t)
	before := EncodeSnapshot(i)
	next, _ := mustApply(t, i,
		&ConfigRecord{Resource: Resource{TopicResource, "c"}, Name: "retention.ms", Value: "1"},
		&PartitionChangeRecord{Topic: id(1), Index: 2, Elect: true, Leader: model.NoNode},
		broker(2, 2), &BrokerChangeRecord{ID: 2, Epoch: 2, Fenced: true},
		&RemoveTopicRecord{ID: id(2)})
	if string(EncodeSnapshot(i)) != string(before) {
		t.Fatal("the old image has changed")
	}
	if next.Topics.ByName("c") != nil || next.Topics.ByID(id(2)) != nil || next.Topics.Len() != 1 {
		t.Fatal("the removed topic is still there")
	}
	if len(next.Configs.Of(Resource{TopicResource, "c"})) != 0 {
		t.Fatal("the removed topic's settings are still there")
	}
	p := next.Topics.ByName("a.b").Partitions[2]
	if p.Leader != model.NoNode || p.LeaderEpoch != 1 || p.PartitionEpoch != 1 {
		t.Fatalf("partition is %+v", p)
	}
}

func TestDeltaTellsWhatDiffers(t *testing.T) {
	i := base(t)
	expect := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
	i2, d := mustApply(t, i, append(topic(3, "new", 2), &PartitionChangeRecord{Topic: id(1), Index: 1, Elect: true, Leader: 1},
		&ConfigRecord{Resource: Resource{BrokerResource, ""}, Name: "x", Value: "1"})...)
	expect("created", d.Created, []*Topic{i2.Topics.ByName("new")})
	expect("changed", d.Changed, []TopicChange{{i2.Topics.ByName("a.b"), []model.Partition{1}}})
	expect("configs", d.Configs, []Resource{{BrokerResource, ""}})
	expect("deleted", len(d.Deleted)+len(d.Brokers), 0)

	// Deleted and created again under the same name, within one entry.
	i3, d := mustApply(t, i2, append([]Record{&RemoveTopicRecord{id(2)}}, topic(4, "c", 1)...)...)
	expect("created", d.Created, []*Topic{i3.Topics.ByName("c")})
	expect("deleted", d.Deleted, []*Topic{i2.Topics.ByName("c")})

	// Came and went; partitions added; a setting set to what it was.
	_, d = mustApply(t, i3, append(topic(5, "brief", 1), &RemoveTopicRecord{id(5)},
		&PartitionRecord{Topic: id(1), Index: 3, Partition: i3.Topics.ByID(id(1)).Partitions[0]},
		&ConfigRecord{Resource: Resource{BrokerResource, ""}, Name: "x", Value: "1"})...)
	expect("created", len(d.Created)+len(d.Deleted)+len(d.Configs), 0)
	expect("changed", d.Changed[0].Partitions, []model.Partition{3})

	i4, d := mustApply(t, i3, broker(2, 4))
	expect("brokers", d.Brokers, []model.NodeID{2})
	_, d = mustApply(t, i4, &UnregisterBrokerRecord{2, 4})
	expect("brokers", d.Brokers, []model.NodeID{2})
	_, d = mustApply(t, i4)
	expect("empty", d.Empty(), true)
	d = Diff(nil, i4)
	expect("from nothing", len(d.Created), 3)
	d = Diff(i4, nil)
	expect("to nothing", len(d.Deleted), 3)
}

func TestApplyRefusesWhatDoesNotFit(t *testing.T) {
	i := base(t)
	f := func(records ...Record) {
		t.Helper()
		if next, _, err := i.Apply(records, i.Index+1); err == nil {
			t.Errorf("applied %T; image %+v", records[len(records)-1], next)
		}
	}
	f(&ClusterRecord{"other"})
	f(&VersionRecord{Newest + 1})
	f(&TopicRecord{ID: id(1), Name: "other"})
	f(&TopicRecord{ID: id(9), Name: "c"})
	f(&PartitionRecord{Topic: id(9)})
	f(&PartitionRecord{Topic: id(2), Index: 2, Partition: Partition{Replicas: []model.NodeID{1}, ISR: []model.NodeID{1}, Leader: 1}})
	f(&PartitionRecord{Topic: id(2), Index: 1, Partition: Partition{Replicas: []model.NodeID{1}, Leader: 1}})
	f(&PartitionChangeRecord{Topic: id(9)})
	f(&PartitionChangeRecord{Topic: id(2), Index: 1})
	f(&PartitionChangeRecord{Topic: id(2), Index: -1})
	f(&PartitionChangeRecord{Topic: id(2), ISR: []model.NodeID{2}})
	f(&PartitionChangeRecord{Topic: id(2), Elect: true, Leader: 2})
	f(&RemoveTopicRecord{id(9)})
	f(&ConfigRecord{Resource: Resource{TopicResource, "none"}, Name: "a", Value: "b"})
	f(broker(1, 1))
	f(broker(2, 3))
	f(&BrokerChangeRecord{ID: 1, Epoch: 2})
	f(&BrokerChangeRecord{ID: 2, Epoch: 1})
	f(&UnregisterBrokerRecord{ID: 2, Epoch: 1})
	f(&ProducerIDsRecord{Next: 5}, &ProducerIDsRecord{Next: 4})
	f(&PartitionChangeRecord{Topic: id(2), SetLost: true, Lost: []model.NodeID{2}})
	f(&PartitionChangeRecord{Topic: id(2), SetLost: true, Lost: []model.NodeID{1}}) // it leads
	f(&ReplicasChangeRecord{Topic: id(9), Replicas: []model.NodeID{1}})
	f(&ReplicasChangeRecord{Topic: id(2), Index: 1, Replicas: []model.NodeID{1}})
	f(&ReplicasChangeRecord{Topic: id(2), Replicas: []model.NodeID{2}}) // nobody in sync is left
	f(&ReplicasChangeRecord{Topic: id(2), Replicas: []model.NodeID{1, 2}, Adding: []model.NodeID{3}})
	f(&PartitionChangeRecord{Topic: id(2), Elect: true, Leader: 1, PreferFirst: true})
	f(&FlushChangeRecord{Index: i.Index + 2})
	f(&FlushChangeRecord{Topic: id(9), Index: 1})
	if _, _, err := i.Apply(nil, i.Index-1); err == nil {
		t.Error("applied an entry of the past")
	}
}

func TestPartitionCheck(t *testing.T) {
	f := func(ok bool, p Partition) {
		t.Helper()
		if err := p.check(); (err == nil) != ok {
			t.Errorf("%+v: %v", p, err)
		}
	}
	nodes := func(n ...model.NodeID) []model.NodeID { return n }
	f(true, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Leader: 2})
	f(true, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(1), Leader: model.NoNode})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(2, 3), Leader: 2})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(2, 2), Leader: 2})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(4), Leader: 4})
	f(false, Partition{Replicas: nodes(3, 3), ISR: nodes(3), Leader: 3})
	f(false, Partition{Replicas: nodes(3, -1), ISR: nodes(3), Leader: 3})
	f(false, Partition{Replicas: nodes(3, 1), ISR: nodes(3), Leader: 1})
	f(false, Partition{Replicas: nodes(1), ISR: nodes(1), Leader: 1, LeaderEpoch: -1})
	f(true, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Lost: nodes(3, 2), Leader: model.NoNode})
	f(true, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Lost: nodes(2), Leader: 3})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Lost: nodes(2), Leader: 2})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Lost: nodes(1), Leader: 3})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Lost: nodes(2, 3), Leader: model.NoNode})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Lost: nodes(2, 2), Leader: 3})
	f(true, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Adding: nodes(1), Removing: nodes(2), Leader: 3})
	f(true, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3), Removing: nodes(1, 2), Leader: 3})
	f(true, Partition{Replicas: nodes(3, 1), ISR: nodes(3), Leader: model.NoNode, PreferFirst: true})
	f(false, Partition{Replicas: nodes(3, 1, 2), ISR: nodes(3, 2), Removing: nodes(1), Leader: 3})
	f(false, Partition{Replicas: nodes(3, 1), ISR: nodes(3), Removing: nodes(3, 1), Leader: 3})
	f(true, Partition{Replicas: nodes(3, 1), ISR: nodes(3), Adding: nodes(1), Removing: nodes(1), Leader: 3})
	f(false, Partition{Replicas: nodes(3, 1), ISR: nodes(3), Adding: nodes(2), Leader: 3})
	f(false, Partition{Replicas: nodes(3, 1), ISR: nodes(3), Leader: 3, PreferFirst: true})
}

func TestWhoLeavesTheInSyncSetIsNotLostAnyMore(t *testing.T) {
	nodes := func(n ...model.NodeID) []model.NodeID { return n }
	i, _ := mustApply(t, new(Image), broker(1, 1), &TopicRecord{ID: id(1), Name: "a"}, &PartitionRecord{Topic: id(1),
		Partition: Partition{Replicas: nodes(1, 2, 3), ISR: nodes(1, 2, 3), Leader: 1}})
	f := func(r PartitionChangeRecord, isr, lost []model.NodeID) {
		t.Helper()
		r.Topic = id(1)
		before := i.Topics.ByID(id(1)).Partitions[0]
		was := slices.Clone(before.Lost)
		next, delta := mustApply(t, i, &r)
		p := next.Topics.ByID(id(1)).Partitions[0]
		if !slices.Equal(p.ISR, isr) || !slices.Equal(p.Lost, lost) || p.PartitionEpoch != before.PartitionEpoch+1 || len(delta.Changed) != 1 {
			t.Errorf("%+v, delta %+v", p, delta)
		}
		if !slices.Equal(before.Lost, was) {
			t.Error("the old image has changed")
		}
		i = next
	}
	f(PartitionChangeRecord{SetLost: true, Lost: nodes(2, 3)}, nodes(1, 2, 3), nodes(2, 3))
	f(PartitionChangeRecord{}, nodes(1, 2, 3), nodes(2, 3)) // refuses a proposal, and no more
	f(PartitionChangeRecord{ISR: nodes(1, 3)}, nodes(1, 3), nodes(3))
	f(PartitionChangeRecord{ISR: nodes(1, 2, 3)}, nodes(1, 2, 3), nodes(3))
	f(PartitionChangeRecord{ISR: nodes(1, 2, 3), SetLost: true}, nodes(1, 2, 3), nil)
}

func TestUnfencingTellsThatEarlierRunsAreSynced(t *testing.T) {
	i := base(t)
	registered := Broker{ID: 2, Epoch: 3, Fenced: true, Relaxed: true, UnsyncedSince: 1, RelaxedBefore: true}
	i, err := i.After([]Record{&RegisterBrokerRecord{registered}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	f := func(fenced, leaving bool, since model.BrokerEpoch, before bool) {
		t.Helper()
		i, _ = mustApply(t, i, &BrokerChangeRecord{ID: 2, Epoch: 3, Fenced: fenced, Leaving: leaving})
		want := registered
		want.Fenced, want.Leaving, want.UnsyncedSince, want.RelaxedBefore = fenced, leaving, since, before
		if b := i.Brokers.ByID(2); !reflect.DeepEqual(*b, want) {
			t.Errorf("%+v, want %+v", b, want)
		}
	}
	f(true, true, 1, true)
	f(false, true, 3, false)
	f(true, false, 3, false)
}

func TestCollidingNamesAreFound(t *testing.T) {
	i := base(t)
	f := func(name, want string) {
		t.Helper()
		got := ""
		if c := i.Topics.Colliding(name); c != nil {
			got = c.Name
		}
		if got != want {
			t.Errorf("%q collides with %q, want %q", name, got, want)
		}
	}
	f("a_b", "a.b")
	f("a.b", "a.b")
	f("c", "c")
	f("c_", "")
	f("ab", "")
	next, _ := mustApply(t, i, &RemoveTopicRecord{id(1)})
	if next.Topics.Colliding("a_b") != nil {
		t.Error("a removed topic collides")
	}
}

// Goal: an image is its snapshot, and a delta names all that differs. Method:
// random records, of which those that fit are applied; after each the snapshot
// is decoded and compared, and the delta is compared with one made the slow way.
func TestRandomImagesSurviveTheirSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, _ := mustApply(t, new(Image), broker(1, 1), broker(2, 1))
		for range rapid.IntRange(1, 40).Draw(t, "entries") {
			records := randomRecords(t, i)
			next, delta, err := i.Apply(records, i.Index+1)
			if err != nil {
				continue
			}
			if err := next.Check(); err != nil {
				t.Fatal(err)
			}
			checkDelta(t, i, next, delta)
			i = next
		}
		again, err := DecodeSnapshot(EncodeSnapshot(i))
		if err != nil {
			t.Fatal(err)
		}
		if string(EncodeSnapshot(again)) != string(EncodeSnapshot(i)) {
			t.Fatal("the snapshot's snapshot is another")
		}
		d := Diff(i, again)
		if !d.Empty() || again.Index != i.Index || again.NextProducerID != i.NextProducerID || again.FlushChanged != i.FlushChanged {
			t.Fatalf("the image of the snapshot differs: %+v", d)
		}
	})
}

func randomRecords(t *rapid.T, i *Image) []Record {
	n := byte(rapid.IntRange(0, 5).Draw(t, "topic"))
	members := rapid.SampledFrom([][]model.NodeID{nil, {1}, {2}, {1, 2}, {1, 2, 3}, {1, 3}})
	name := rapid.SampledFrom([]string{"a.b", "a_c", "c", "d", "e"}).Draw(t, "name")
	node := model.NodeID(rapid.IntRange(3, 6).Draw(t, "node"))
	switch rapid.IntRange(0, 13).Draw(t, "kind") {
	case 0, 1:
		return topic(n, name, rapid.IntRange(1, 4).Draw(t, "partitions"))
	case 9:
		return []Record{&TopicRecord{ID: id(n), Name: name}, &PartitionRecord{Topic: id(n), Partition: Partition{Replicas: []model.NodeID{1, 2, 3},
			ISR: []model.NodeID{1, 2, 3}, Lost: members.Draw(t, "lost"), Leader: model.NoNode}}}
	case 10:
		return []Record{&PartitionChangeRecord{Topic: id(n), ISR: members.Draw(t, "isr"),
			SetLost: rapid.Bool().Draw(t, "set lost"), Lost: members.Draw(t, "lost")}}
	case 11:
		topic := rapid.SampledFrom([]model.TopicID{{}, id(n)}).Draw(t, "of")
		return []Record{&FlushChangeRecord{Topic: topic, Index: uint64(rapid.Int64Range(0, int64(i.Index)).Draw(t, "index"))}}
	case 12:
		return []Record{&ReplicasChangeRecord{Topic: id(n), Replicas: []model.NodeID{1, 3, 2},
			Adding: members.Draw(t, "adding"), Removing: members.Draw(t, "removing")}}
	case 2:
		return []Record{&RemoveTopicRecord{id(n)}}
	case 3:
		return []Record{&PartitionChangeRecord{Topic: id(n), Elect: true, Leader: rapid.SampledFrom([]model.NodeID{1, model.NoNode}).Draw(t, "leader"),
			PreferFirst: rapid.Bool().Draw(t, "prefer first")}}
	case 4:
		return []Record{broker(node, model.BrokerEpoch(i.Index+1))}
	case 5:
		return []Record{&BrokerChangeRecord{ID: 2, Epoch: 1, Fenced: rapid.Bool().Draw(t, "fenced"), Leaving: rapid.Bool().Draw(t, "leaving")}}
	case 6:
		return []Record{&ProducerIDsRecord{Next: i.NextProducerID + 10}, &ClusterRecord{"c"}, &VersionRecord{1}}
	default:
		return []Record{&ConfigRecord{Resource: Resource{rapid.SampledFrom([]ResourceType{TopicResource, GroupResource}).Draw(t, "type"), name},
			Name: rapid.SampledFrom([]string{"k", "l"}).Draw(t, "key"), Remove: rapid.Bool().Draw(t, "remove")}}
	}
}

func checkDelta(t *rapid.T, old, next *Image, d Delta) {
	created, deleted, changed := 0, 0, 0
	for topic := range next.Topics.All() {
		was := old.Topics.ByID(topic.ID)
		if was == nil {
			created++
		} else if !slices.EqualFunc(was.Partitions, topic.Partitions, func(p, q Partition) bool { return p.Equal(&q) }) {
			changed++
		}
	}
	for topic := range old.Topics.All() {
		if next.Topics.ByID(topic.ID) == nil {
			deleted++
		}
	}
	if len(d.Created) != created || len(d.Deleted) != deleted || len(d.Changed) != changed {
		t.Fatalf("delta has %d, %d, %d; want %d, %d, %d", len(d.Created), len(d.Deleted), len(d.Changed), created, deleted, changed)
	}
}

func allRecords() []Record {
	return append(topic(7, "t", 2),
		&VersionRecord{1}, &ClusterRecord{"id"}, &TopicRecord{ID: id(3), Name: "x", Internal: true},
		&PartitionRecord{Topic: id(7), Index: 9, Partition: Partition{Replicas: []model.NodeID{3, 1}, ISR: []model.NodeID{1}, Leader: model.NoNode, LeaderEpoch: 4, PartitionEpoch: 5}},
		&PartitionChangeRecord{Topic: id(7), Index: 1, ISR: []model.NodeID{1, 2}, Elect: true, Leader: 2},
		&RemoveTopicRecord{id(7)},
		&ConfigRecord{Resource: Resource{GroupResource, "g"}, Name: "n", Value: "v"},
		&ConfigRecord{Resource: Resource{TopicResource, "g"}, Name: "n", Remove: true},
		&RegisterBrokerRecord{Broker{ID: 4, Incarnation: model.UUID{1}, Epoch: 77, Directory: model.UUID{2},
			Endpoints: []Endpoint{{"A", "h", 1, "SSL", nil}, {"B", "i", 65535, "PLAINTEXT", machine("", "10.0.0.1/24", "2001:db8::1/0").Candidates}}, Rack: "r", Fenced: true}},
		&BrokerChangeRecord{ID: 4, Epoch: 77, Fenced: true}, &UnregisterBrokerRecord{ID: 4, Epoch: 77},
		&BrokerChangeRecord{ID: 4, Epoch: 77, Leaving: true},
		&RegisterBrokerRecord{Broker{ID: 5, Epoch: 78, Leaving: true, Relaxed: true, UnsyncedSince: 70, RelaxedBefore: true}},
		&RegisterBrokerRecord{Broker{ID: 6, Epoch: 79, Supports: Range{Oldest: Version1, Newest: Version2}, ClusterAddress: "h:1"}},
		&PartitionRecord{Topic: id(7), Index: 9, Partition: Partition{Replicas: []model.NodeID{3, 1, 2}, ISR: []model.NodeID{3, 1}, Lost: []model.NodeID{3, 1}, Leader: model.NoNode}},
		&PartitionChangeRecord{Topic: id(7), Index: 1, Leader: 2, SetLost: true, Lost: []model.NodeID{1, 2}},
		&PartitionChangeRecord{Topic: id(7), Index: 2, SetLost: true}, &PartitionChangeRecord{},
		&PartitionRecord{Topic: id(7), Index: 9, Partition: Partition{Replicas: []model.NodeID{3, 1, 2}, ISR: []model.NodeID{3, 1},
			Adding: []model.NodeID{1}, Removing: []model.NodeID{2}, Leader: model.NoNode, PreferFirst: true}},
		&PartitionChangeRecord{Topic: id(7), Index: 2, Elect: true, Leader: model.NoNode, PreferFirst: true},
		&ReplicasChangeRecord{Topic: id(7), Index: 1, Replicas: []model.NodeID{3, 1}, Adding: []model.NodeID{3}, Removing: []model.NodeID{1}},
		&FlushChangeRecord{Topic: id(7), Index: 300}, &FlushChangeRecord{Index: 1},
		&ProducerIDsRecord{Next: 1000, Node: 4})
}

// eachNewest are the records' bytes, each in the newest version: one of them may set an
// earlier.
func eachNewest(records []Record) []byte {
	var b []byte
	for _, r := range records {
		b = appendRecord(b, r, Newest)
	}
	return b
}

func TestRecordsSurviveTheirBytes(t *testing.T) {
	records := allRecords()
	seen := map[RecordType]bool{}
	for _, r := range records {
		seen[r.Type()] = true
	}
	for n := range uint64(256) {
		if r := newRecord(n); r != nil && !seen[r.Type()] {
			t.Errorf("type %d (%T) is not tested", n, r)
		} else if r != nil && uint64(r.Type()) != n {
			t.Errorf("%T is made for type %d", r, n)
		}
	}
	got, err := DecodeRecords(eachNewest(records))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, records) {
		t.Fatalf("got %v, want %v", got, records)
	}
}

// The bytes are those that builds before layout versions 2 and 3 wrote.
func TestEarlierLayoutsAreRead(t *testing.T) {
	u := make([]byte, 16)
	version := byte(1)
	f := func(want Record, kind RecordType, body ...byte) {
		t.Helper()
		whole := append([]byte{byte(kind), version, byte(len(body))}, body...)
		if got, err := DecodeRecords(whole); err != nil || !reflect.DeepEqual(got, []Record{want}) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	one := []model.NodeID{1}
	f(&PartitionRecord{Index: 3, Partition: Partition{Replicas: one, ISR: one, Leader: 1, LeaderEpoch: 2, PartitionEpoch: 4}},
		PartitionType, append(slices.Clone(u), 6, 1, 2, 1, 2, 2, 4, 8)...)
	f(&PartitionChangeRecord{Index: 3, ISR: one, Elect: true, Leader: 1}, PartitionChangeType, append(slices.Clone(u), 6, 1, 2, 1, 2)...)
	f(&BrokerChangeRecord{ID: 1, Epoch: 2, Fenced: true}, BrokerChangeType, 2, 4, 1)
	body := append([]byte{2}, u...)
	body = append(append(append(body, 4), u...), 0, 1, 'r', 1)
	f(&RegisterBrokerRecord{Broker{ID: 1, Epoch: 2, Rack: "r", Fenced: true}}, RegisterBrokerType, body...)
	version = 2
	f(&PartitionRecord{Index: 3, Partition: Partition{Replicas: one, ISR: one, Lost: one, Leader: 1, LeaderEpoch: 2, PartitionEpoch: 4}},
		PartitionType, append(slices.Clone(u), 6, 1, 2, 1, 2, 2, 4, 8, 1, 2)...)
	f(&PartitionChangeRecord{Index: 3, ISR: one, SetLost: true, Lost: one}, PartitionChangeType, append(slices.Clone(u), 6, 1, 2, 0, 0, 1, 1, 2)...)
	body = append([]byte{2}, u...)
	body = append(append(append(body, 4), u...), 1, 1, 'A', 1, 'h', 7, 0, 1, 'r', 1, 1, 0, 2, 1)
	f(&RegisterBrokerRecord{Broker{ID: 1, Epoch: 2, Endpoints: []Endpoint{{Listener: "A", Host: "h", Port: 7}},
		Rack: "r", Fenced: true, Leaving: true, UnsyncedSince: 1, RelaxedBefore: true}}, RegisterBrokerType, body...)
}

func TestLaterLayoutsAreRead(t *testing.T) {
	// Version 2 of a cluster record: the id, and a field that came later.
	later := []byte{byte(ClusterType), 2, 5, 1, 'c', 9, 9, 9}
	got, err := DecodeRecords(later)
	if err != nil || !reflect.DeepEqual(got, []Record{&ClusterRecord{"c"}}) {
		t.Fatalf("%v, %v", got, err)
	}
	_, err = DecodeRecords([]byte{99, 1, 0})
	if unknown := new(UnknownRecordError); !errors.As(err, &unknown) || unknown.Type != 99 {
		t.Fatalf("unknown type: %v", err)
	}
	_, _, err = new(Image).Apply([]Record{&VersionRecord{Newest + 1}}, 1)
	if unsupported := new(UnsupportedVersionError); !errors.As(err, &unsupported) {
		t.Fatalf("later metadata version: %v", err)
	}
}

func TestTruncatedRecordsAreCorrupt(t *testing.T) {
	for _, r := range allRecords() {
		whole := appendRecord(nil, r, Newest)
		for n := 1; n < len(whole); n++ {
			if _, err := DecodeRecords(whole[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%T cut to %d of %d bytes: %v", r, n, len(whole), err)
			}
		}
	}
}

func FuzzDecodeRecords(f *testing.F) {
	for _, r := range allRecords() {
		f.Add(appendRecord(nil, r, Newest))
	}
	f.Add([]byte{byte(RegisterBrokerType), 1, 1, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := DecodeRecords(b)
		if err != nil {
			return
		}
		again, err := DecodeRecords(eachNewest(records))
		if err != nil || !reflect.DeepEqual(records, again) {
			t.Fatalf("%v, %v, want %v", err, again, records)
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	f.Add(EncodeSnapshot(new(Image)))
	f.Add(EncodeSnapshot(base(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := DecodeSnapshot(b)
		if err != nil {
			return
		}
		once := EncodeSnapshot(i)
		j, err := DecodeSnapshot(once)
		if err != nil || string(EncodeSnapshot(j)) != string(once) {
			t.Fatalf("snapshot of a snapshot: %v", err)
		}
	})
}

func BenchmarkApplyOneOf10000Topics(b *testing.B) {
	records := []Record{broker(1, 1)}
	for n := range 10_000 {
		records = append(records, &TopicRecord{ID: model.NewUUID(), Name: fmt.Sprintf("topic-%d", n)})
		t := records[len(records)-1].(*TopicRecord)
		records = append(records, &PartitionRecord{Topic: t.ID, Partition: Partition{Replicas: []model.NodeID{1}, ISR: []model.NodeID{1}, Leader: 1}})
	}
	i, err := Build(records...)
	if err != nil {
		b.Fatal(err)
	}
	topics := i.Topics.Sorted()
	b.ReportAllocs()
	for b.Loop() {
		t := topics[rand.IntN(len(topics))]
		next, d, err := i.Apply([]Record{&PartitionChangeRecord{Topic: t.ID, Elect: true, Leader: 1}}, i.Index+1)
		if err != nil || len(d.Changed) != 1 {
			b.Fatal(err, d)
		}
		i = next
	}
}
