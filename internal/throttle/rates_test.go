package throttle

import (
	"maps"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// imageWith has brokers 1 to 4, a topic of partitions, and settings.
func imageWith(t *testing.T, partitions []meta.Partition, settings ...*meta.ConfigRecord) *meta.Image {
	t.Helper()
	id := model.UUID{1}
	records := []meta.Record{&meta.TopicRecord{ID: id, Name: "t"}}
	for n := range model.NodeID(4) {
		records = append(records, &meta.RegisterBrokerRecord{Broker: meta.Broker{ID: n + 1, Epoch: 1}})
	}
	for i, p := range partitions {
		records = append(records, &meta.PartitionRecord{Topic: id, Index: model.Partition(i), Partition: p})
	}
	for _, s := range settings {
		records = append(records, s)
	}
	image, _, err := new(meta.Image).Apply(records, 1)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func of(resource, name, value string) *meta.ConfigRecord {
	return &meta.ConfigRecord{Resource: meta.Resource{Type: meta.BrokerResource, Name: resource}, Name: name, Value: value}
}

func followersListed(value string) *meta.ConfigRecord {
	return &meta.ConfigRecord{
		Resource: meta.Resource{Type: meta.TopicResource, Name: "t"}, Name: "follower.replication.throttled.replicas", Value: value,
	}
}

func TestRatesAreTheBrokersOrAllBrokers(t *testing.T) {
	image := imageWith(t, nil, of("", leaderRate, "100"), of("2", leaderRate, "7"), of("", followerRate, "50"), of("3", followerRate, "0"))
	for node, want := range map[model.NodeID]Rates{
		1: {Leader: 100, Followers: map[model.NodeID]int64{2: 50, 3: 0, 4: 50}},
		2: {Leader: 7, Followers: map[model.NodeID]int64{1: 50, 3: 0, 4: 50}},
	} {
		if got := RatesOf(image, node); !got.Equal(want) || !got.Limited() {
			t.Errorf("node %d: %+v, want %+v", node, got, want)
		}
	}
	if none := RatesOf(imageWith(t, nil), 1); none.Limited() || none.Leader != Unlimited {
		t.Errorf("without settings: %+v", none)
	}
}

// A follower's rate is divided by those leaders that have something for it to be held back.
func TestAFollowersRateIsDivided(t *testing.T) {
	partition := func(leader model.NodeID, isr ...model.NodeID) meta.Partition {
		return meta.Partition{Replicas: []model.NodeID{leader, 4}, ISR: isr, Leader: leader}
	}
	for _, c := range []struct {
		partitions []meta.Partition
		listed     string
		want       int64 // node 1's part of what node 4 gets
	}{
		{nil, "*", 60},
		{[]meta.Partition{partition(1, 1), partition(1, 1)}, "*", 60},
		{[]meta.Partition{partition(1, 1), partition(2, 2)}, "*", 30},
		{[]meta.Partition{partition(1, 1), partition(2, 2), partition(3, 3)}, "*", 20},
		{[]meta.Partition{partition(1, 1), partition(2, 2), partition(3, 3)}, "0:4,2:4", 30},
		{[]meta.Partition{partition(1, 1), partition(2, 2, 4)}, "*", 60}, // in sync
		{[]meta.Partition{partition(1, 1), {Replicas: []model.NodeID{2, 4}, ISR: []model.NodeID{2}, Leader: model.NoNode}}, "*", 60},
		{[]meta.Partition{partition(1, 1), partition(2, 2)}, "0:4,1:3", 60}, // another's list
		{[]meta.Partition{partition(2, 2)}, "*", 30},                        // 1 may lead in a moment
	} {
		image := imageWith(t, c.partitions, of("4", followerRate, "60"), followersListed(c.listed))
		if got := RatesOf(image, 1).Followers; !maps.Equal(got, map[model.NodeID]int64{4: c.want}) {
			t.Errorf("%q, %+v: %v, want %d", c.listed, c.partitions, got, c.want)
		}
	}
}
