package controller

import (
	"hash/fnv"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// placer spreads replicas over the brokers that are alive and stay. The brokers stand in
// a ring in which neighbours are in different racks as far as that goes:
//
//	racks a: 1 4 · b: 2 5 · c: 3        ring: 1 2 3 4 5
//
// Partition p's first replica, its leader, is at (start+p) of the ring, and the
// others are looked for from there on, taking a broker of a rack that has the
// fewest replicas of this partition so far. The distance at which the search
// begins grows by one each time round the ring, so that the partitions that one
// broker leads have their followers on different brokers. A topic's start comes
// from its name: topics of one partition spread too.
type placer struct{ ring []*meta.Broker }

func newPlacer(image *meta.Image) *placer {
	p := new(placer)
	var order []string // racks, in the order of their first broker
	byRack := make(map[string][]*meta.Broker)
	for _, b := range image.Brokers.Sorted() {
		if b.Fenced || b.Leaving {
			continue
		}
		if byRack[b.Rack] == nil {
			order = append(order, b.Rack)
		}
		byRack[b.Rack] = append(byRack[b.Rack], b)
	}
	for left := true; left; {
		left = false
		for _, rack := range order {
			if brokers := byRack[rack]; len(brokers) > 0 {
				p.ring, byRack[rack], left = append(p.ring, brokers[0]), brokers[1:], true
			}
		}
	}
	return p
}

// place assigns count partitions of factor replicas each to a topic.
func (p *placer) place(count, factor int, topic string) ([]meta.Partition, *wire.Error) {
	return p.placeFrom(0, count, factor, topic)
}

// placeFrom assigns count partitions that follow the first ones of a topic.
func (p *placer) placeFrom(first, count, factor int, topic string) ([]meta.Partition, *wire.Error) {
	if factor > len(p.ring) {
		return nil, wire.Errorf(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			factor, factor, len(p.ring))
	}
	hash := fnv.New32a()
	hash.Write([]byte(topic)) // never fails
	start := int(hash.Sum32() % uint32(len(p.ring)))
	partitions := make([]meta.Partition, count)
	for i := range partitions {
		replicas := p.replicas(start, first+i, factor)
		partitions[i] = meta.Partition{Replicas: replicas, ISR: replicas, Leader: replicas[0]}
	}
	return partitions, nil
}

func (p *placer) replicas(start, partition, factor int) []model.NodeID {
	size := len(p.ring)
	leader := (start + partition) % size
	replicas := []model.NodeID{p.ring[leader].ID}
	if factor == 1 {
		return replicas
	}
	inRack := map[string]int{p.ring[leader].Rack: 1}
	used := make([]bool, size-1)
	shift := partition / size
	for len(replicas) < factor {
		best := -1
		for j := range size - 1 {
			if used[j] {
				continue
			}
			if best < 0 || inRack[p.follower(leader, shift, j).Rack] < inRack[p.follower(leader, shift, best).Rack] {
				best = j
			}
		}
		used[best] = true
		b := p.follower(leader, shift, best)
		inRack[b.Rack]++
		replicas = append(replicas, b.ID)
	}
	return replicas
}

// follower is the j-th candidate, of all brokers but the leader.
func (p *placer) follower(leader, shift, j int) *meta.Broker {
	size := len(p.ring)
	return p.ring[(leader+1+(shift+j)%(size-1))%size]
}
