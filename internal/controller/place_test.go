package controller

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// shares are what brokers hold and lead of a topic, or of all where it is nil.
func shares(image *meta.Image, topic *meta.Topic) (held, led map[model.NodeID]int) {
	held, led = map[model.NodeID]int{}, map[model.NodeID]int{}
	for t := range image.Topics.All() {
		if topic != nil && t != topic {
			continue
		}
		for i := range t.Partitions {
			for k, n := range t.Partitions[i].Replicas {
				held[n]++
				if k == 0 {
					led[n]++
				}
			}
		}
	}
	return held, led
}

// Goal: what is created after a broker has joined goes there first, until it has its
// share, and no topic goes there alone. Method: topics of different sizes.
func TestABrokerThatHasJoinedIsPreferred(t *testing.T) {
	c := newCluster(t, 3)
	c.create(topicOf("old", 60, 2))
	must[RegisteredBroker](c, register(3, 1))

	c.create(topicOf("one", 1, 2), topicOf("another", 1, 2))
	for _, name := range []string{"one", "another"} {
		if p := c.image.Topics.ByName(name).Partitions[0]; p.Leader != 3 {
			t.Errorf("%s is led by %d", name, p.Leader)
		}
	}
	c.create(topicOf("four", 4, 2))
	if _, led := shares(c.image, c.image.Topics.ByName("four")); led[3] != 2 || len(led) != 3 {
		t.Errorf("of four partitions are led %v", led)
	}
	c.create(topicOf("sixteen", 16, 2))
	held, led := shares(c.image, c.image.Topics.ByName("sixteen"))
	if led[3] != 6 || held[3] != 12 {
		t.Errorf("of sixteen partitions are led %v, and held %v", led, held)
	}
	for i := range 60 {
		c.create(topicOf(fmt.Sprint("more", i), 2, 2))
	}
	held, led = shares(c.image, nil)
	for what, counts := range map[string]map[model.NodeID]int{"held": held, "led": led} {
		if sorted := slices.Sorted(maps.Values(counts)); sorted[3]-sorted[0] > heldSlack+1 {
			t.Errorf("in the end are %s %v", what, counts)
		}
	}
}

func TestATopicThatGrowsCountsWhatItHas(t *testing.T) {
	c := newCluster(t, 3)
	c.create(topicOf("a", 6, 1))
	must[RegisteredBroker](c, register(3, 1))
	must[CreatePartitionsResult](c, CreatePartitions{Topics: []GrowTopic{{Name: "a", Count: 8}}})
	if held, _ := shares(c.image, nil); held[3] != 2 {
		t.Errorf("%v", held)
	}
}

// Goal: where a leader is gone, others lead its partitions in equal parts.
func TestFollowersOfOneLeaderAreSpread(t *testing.T) {
	c := newCluster(t, 5)
	c.create(topicOf("a", 100, 3))
	second := map[[2]model.NodeID]int{}
	for _, p := range c.image.Topics.ByName("a").Partitions {
		second[[2]model.NodeID{p.Replicas[0], p.Replicas[1]}]++
	}
	for pair, n := range second {
		if n < 3 || n > 7 || len(second) != 20 {
			t.Errorf("%d partitions are on %v first: %v", n, pair, second)
		}
	}
}

// Goal: placing costs little beside what it costs to write the records. Method: a large
// topic, and one partition beside many topics.
func BenchmarkPlace(b *testing.B) {
	const brokers, partitions, factor = 30, 10_000, 3
	empty := newCluster(b, brokers)
	b.Run("10000-partitions", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newPlacer(empty.image).place(nil, partitions, factor, "t"); err != nil {
				b.Fatal(err)
			}
		}
	})
	full := newCluster(b, brokers)
	for i := range partitions / 100 {
		topics := make([]CreateTopic, 100)
		for k := range topics {
			topics[k] = topicOf(fmt.Sprint("t", i, "-", k), 1, factor)
		}
		full.create(topics...)
	}
	b.Run("one-more-of-10000-topics", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newPlacer(full.image).place(nil, 1, factor, "t"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
