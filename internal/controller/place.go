package controller

import (
	"hash/fnv"
	"slices"

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
//
// Where that does not suffice, those that are down are given replicas too, last and out
// of sync: a topic of three replicas can be made while one of three nodes is away, and
// is whole when it is back.
type placer struct{ ring, down []*meta.Broker }

func newPlacer(image *meta.Image) *placer {
	p := new(placer)
	var order []string // racks, in the order of their first broker
	byRack := make(map[string][]*meta.Broker)
	for _, b := range image.Brokers.Sorted() {
		if b.Fenced || b.Leaving {
			p.down = append(p.down, b)
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
	switch registered := len(p.ring) + len(p.down); {
	case factor > registered:
		return nil, wire.Errorf(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			factor, factor, registered)
	case len(p.ring) == 0:
		return nil, wire.Errorf(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): All brokers are currently fenced.", factor)
	}
	hash := fnv.New32a()
	hash.Write([]byte(topic)) // never fails
	start := int(hash.Sum32() % uint32(len(p.ring)))
	partitions := make([]meta.Partition, count)
	for i := range partitions {
		alive := min(factor, len(p.ring))
		isr := p.replicas(start, first+i, alive)
		replicas := isr
		for j := range factor - alive {
			replicas = append(slices.Clip(replicas), p.down[(start+first+i+j)%len(p.down)].ID)
		}
		partitions[i] = meta.Partition{Replicas: replicas, ISR: isr, Leader: isr[0]}
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
