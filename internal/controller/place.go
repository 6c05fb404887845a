package controller

import (
	"hash/fnv"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// placer spreads replicas over the brokers that are alive and stay, those first that have
// the fewest: a broker that has just joined is preferred until it has its share.
//
// A partition's leader goes to the broker that is first replica of the fewest partitions.
// Each other replica goes to a rack that has the fewest of this partition's so far, there
// to a broker with the fewest replicas, or nearly, and of those to the one that follows
// the leader in the fewest partitions of this topic: when the leader is gone, not all of
// its partitions are led by one other.
//
// Of one topic a broker leads, and holds, no more than half above an even share, or one
// more: a new broker must not take all of the traffic of what is created next. For the rest
// brokers stand in a ring in which neighbours are in different racks as far as that goes, and
// are looked at from a place on that comes from the topic's name:
//
//	racks a: 1 4 · b: 2 5 · c: 3        ring: 1 2 3 4 5
//
// Where that does not suffice, those that are down are given replicas too, last and out
// of sync: a topic of three replicas can be made while one of three nodes is away, and
// is whole when it is back.
//
// How much they store is not in the image, and does not count here. It is a function of
// the image. It goes through all partitions once, and through the brokers once for each
// new replica: brokers are tens, and fit a cache line or two.
type placer struct {
	ring, down []*meta.Broker
	racks      []int   // of the ring, numbered
	held, led  []int32 // replicas, and those that are first, of all topics, by place in the ring

	// Of the topic that is being placed.
	topicHeld, topicLed        []int32
	follow                     [][]int32 // partitions, by leader and the replica after it
	start, heldShare, ledShare int32
	inRack                     []int32 // of the partition that is being placed
}

func newPlacer(image *meta.Image) *placer {
	p := new(placer)
	var order []string // racks, in the order of their first broker
	byRack := make(map[string][]*meta.Broker)
	numbers := make(map[string]int)
	for _, b := range image.Brokers.Sorted() {
		if b.Fenced || b.Leaving {
			p.down = append(p.down, b)
			continue
		}
		if byRack[b.Rack] == nil {
			numbers[b.Rack] = len(order)
			order = append(order, b.Rack)
		}
		byRack[b.Rack] = append(byRack[b.Rack], b)
	}
	for left := true; left; {
		left = false
		for _, rack := range order {
			if brokers := byRack[rack]; len(brokers) > 0 {
				p.ring, byRack[rack], left = append(p.ring, brokers[0]), brokers[1:], true
				p.racks = append(p.racks, numbers[rack])
			}
		}
	}
	p.inRack = make([]int32, len(order))
	p.held, p.led = make([]int32, len(p.ring)), make([]int32, len(p.ring))
	places := p.places()
	for topic := range image.Topics.All() {
		places.count(topic.Partitions, p.held, p.led)
	}
	return p
}

// places finds brokers in the ring.
type places map[model.NodeID]int

func (p *placer) places() places {
	all := make(places, len(p.ring))
	for i, b := range p.ring {
		all[b.ID] = i
	}
	return all
}

// count adds what partitions have on brokers of the ring.
func (all places) count(partitions []meta.Partition, held, led []int32) {
	for i := range partitions {
		for k, n := range partitions[i].Target() {
			if at, ok := all[n]; ok {
				held[at]++
				if k == 0 {
					led[at]++
				}
			}
		}
	}
}

// place assigns count partitions of factor replicas each to a topic, after those that it
// has.
func (p *placer) place(have []meta.Partition, count, factor int, topic string) ([]meta.Partition, *wire.Error) {
	switch registered := len(p.ring) + len(p.down); {
	case factor > registered:
		return nil, wire.Errorf(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			factor, factor, registered)
	case len(p.ring) == 0:
		return nil, wire.Errorf(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): All brokers are currently fenced.", factor)
	}
	alive := min(factor, len(p.ring))
	p.begin(have, len(have)+count, alive, topic)
	partitions := make([]meta.Partition, count)
	for i := range partitions {
		isr := p.replicas(alive)
		replicas := isr
		for j := range factor - alive {
			replicas = append(slices.Clip(replicas), p.down[(int(p.start)+len(have)+i+j)%len(p.down)].ID)
		}
		partitions[i] = meta.Partition{Replicas: replicas, ISR: isr, Leader: isr[0]}
	}
	return partitions, nil
}

// begin is for a topic that will have so many partitions.
func (p *placer) begin(have []meta.Partition, partitions, factor int, topic string) {
	size := len(p.ring)
	hash := fnv.New32a()
	hash.Write([]byte(topic)) // never fails
	p.start = int32(hash.Sum32() % uint32(size))
	p.topicHeld, p.topicLed = make([]int32, size), make([]int32, size)
	if len(have) > 0 {
		p.places().count(have, p.topicHeld, p.topicLed)
	}
	p.follow = make([][]int32, size)
	p.ledShare, p.heldShare = topicShare(partitions, size), topicShare(partitions*factor, size)
	p.ledShare = min(p.ledShare, max(1, int32(partitions)-1)) // and not all of few
}

// topicShare is the most of a topic that one broker takes while another could.
func topicShare(count, brokers int) int32 {
	return int32((count+brokers-1)/brokers + max(1, count/(2*brokers)))
}

func (p *placer) replicas(factor int) []model.NodeID {
	clear(p.inRack)
	leader := p.best(p.leads)
	p.led[leader]++
	p.topicLed[leader]++
	if p.follow[leader] == nil {
		p.follow[leader] = make([]int32, len(p.ring))
	}
	replicas := make([]model.NodeID, 0, factor)
	used := make([]bool, len(p.ring))
	least := slices.Min(p.held)
	for at := leader; ; {
		used[at] = true
		p.held[at]++
		p.topicHeld[at]++
		p.inRack[p.racks[at]]++
		if replicas = append(replicas, p.ring[at].ID); len(replicas) == factor {
			return replicas
		}
		at = p.best(func(i int) (precedence, bool) { return p.follows(leader, i, least), !used[i] })
		if len(replicas) == 1 {
			p.follow[leader][at]++
		}
	}
}

// precedence is compared like a word, letter by letter; the least goes first.
type precedence [5]int32

// best is the place of the ring with the least precedence, of those alike the first from
// the topic's start on.
func (p *placer) best(of func(at int) (precedence, bool)) int {
	best, found := 0, false
	var least precedence
	for i := range p.ring {
		at := int(p.start) + i
		if at >= len(p.ring) {
			at -= len(p.ring)
		}
		if x, ok := of(at); ok && (!found || x.before(&least)) {
			best, least, found = at, x, true
		}
	}
	return best
}

func (x *precedence) before(y *precedence) bool {
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

func (p *placer) leads(at int) (precedence, bool) {
	return precedence{over(p.topicLed[at], p.ledShare), p.led[at], p.topicLed[at], p.held[at]}, true
}

// heldSlack is how many replicas more than the fewest are as good as those: where the
// fewest alone counted, followers would be chosen in the same order again and again.
const heldSlack = 2

func (p *placer) follows(leader, at int, least int32) precedence {
	return precedence{
		p.inRack[p.racks[at]], over(p.topicHeld[at], p.heldShare), max(least+heldSlack, p.held[at]), p.follow[leader][at], p.held[at],
	}
}

// over is 1 where a share is used up.
func over(have, share int32) int32 {
	if have >= share {
		return 1
	}
	return 0
}
