package balance

import (
	"cmp"
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// search is a plan in the making: where everything would be by now.
type search struct {
	brokers    []Broker // by id; everything else names them by their place here
	racks      []int    // of the brokers, numbered
	rackCount  int
	loads      []load
	bands      bands
	room       []int64 // what brokers may still store; negative: not known
	partitions []candidate
	topics     map[string][]int32 // replicas of a topic on each broker
	changes    int
	remarks    []string
	counted    []int // scratch: replicas by rack
}

// candidate is a partition, and where it would be.
type candidate struct {
	*Partition
	before, now []int // brokers, in order of preference
	topic       []int32
	turn        int // when it was first changed
	why         [ranks]string
}

// rank orders a plan: what is wrong is put right first, and then what costs nothing.
type rank int

const (
	rankRacks rank = iota
	rankEmpty
	rankOrder // no copy
	rankEven
	ranks
)

func (p *candidate) compare(q *candidate) int {
	return cmp.Or(cmp.Compare(p.rank(), q.rank()), cmp.Compare(p.turn, q.turn))
}

// rank is what all that was done to a partition comes to.
func (p *candidate) rank() rank {
	switch {
	case p.why[rankRacks] != "":
		return rankRacks
	case p.why[rankEmpty] != "":
		return rankEmpty
	case p.copies() == 0:
		return rankOrder
	}
	return rankEven
}

// reason is the first that there was, of the rank; a replica that went and came back has
// changed the order alone.
func (p *candidate) reason() string { return cmp.Or(p.why[p.rank()], p.why[rankEven]) }

func (p *candidate) changed() bool { return !slices.Equal(p.before, p.now) }

// copies is how many replicas are where none was.
func (p *candidate) copies() (n int) {
	for _, b := range p.now {
		if !slices.Contains(p.before, b) {
			n++
		}
	}
	return n
}

// fixed: it stays as it is.
func (p *candidate) fixed() bool { return p.Fixed || p.Moving }

func (p *candidate) on(broker int) bool { return slices.Contains(p.now, broker) }

func newSearch(c *Cluster, o Options) *search {
	s := &search{brokers: c.sorted(), topics: make(map[string][]int32)}
	index := make(map[model.NodeID]int, len(s.brokers))
	numbers := make(map[string]int)
	s.racks, s.loads, s.room = make([]int, len(s.brokers)), make([]load, len(s.brokers)), make([]int64, len(s.brokers))
	for i := range s.brokers {
		b := &s.brokers[i]
		index[b.ID] = i
		if _, ok := numbers[b.Rack]; !ok {
			numbers[b.Rack] = len(numbers)
		}
		s.racks[i], s.room[i] = numbers[b.Rack], b.RoomBytes
	}
	s.rackCount = len(numbers)
	s.counted = make([]int, s.rackCount)
	s.partitions = make([]candidate, len(c.Partitions))
	for i := range c.Partitions {
		p := &c.Partitions[i]
		if s.topics[p.Name.Topic] == nil {
			s.topics[p.Name.Topic] = make([]int32, len(s.brokers))
		}
		x := candidate{Partition: p, topic: s.topics[p.Name.Topic], before: make([]int, len(p.Replicas))}
		for k, n := range p.Replicas {
			b := index[n]
			x.before[k] = b
			x.topic[b]++
			l := x.weight(k)
			s.loads[b].add(&l)
		}
		x.now = slices.Clone(x.before)
		s.partitions[i] = x
	}
	slices.SortFunc(s.partitions, func(p, q candidate) int { return compareNames(p.Name, q.Name) })
	s.setBands(o)
	return s
}

func compareNames(a, b model.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// setBands shares what is on brokers that take part among those that stay.
func (s *search) setBands(o Options) {
	var total load
	count := 0
	for i := range s.brokers {
		if s.usable(i) || s.brokers[i].Empty {
			total.add(&s.loads[i])
		}
		if s.usable(i) {
			count++
		}
	}
	slack := load{bytes: o.BytesSlack, in: o.RateSlack, out: o.RateSlack}
	for m := range s.bands {
		s.bands[m] = newBand(total[m], count, o.Tolerance, slack[m])
	}
}

// usable: the broker may be given replicas.
func (s *search) usable(broker int) bool { return s.brokers[broker].Alive && !s.brokers[broker].Empty }

// weight is what the replica at a place of the order adds to its broker.
func (p *candidate) weight(place int) load {
	l := load{replicas: 1, bytes: p.Bytes, in: p.In}
	if place == 0 {
		l[leaders], l[out] = 1, p.Out
	}
	return l
}

// lead is what leading adds.
func (p *candidate) lead() load { return load{leaders: 1, out: p.Out} }

// crowding is how many pairs of replicas would share a rack more than now, were the one at a
// place on another broker. With the fewest pairs replicas are as even over racks as can be.
func (s *search) crowding(p *candidate, place, to int) int {
	from, target, change := s.racks[p.now[place]], s.racks[to], 0
	if from == target {
		return 0
	}
	for k, b := range p.now {
		switch {
		case k == place:
		case s.racks[b] == from:
			change--
		case s.racks[b] == target:
			change++
		}
	}
	return change
}

// fits: the broker may take a replica of the partition.
func (s *search) fits(p *candidate, to int) bool {
	return s.usable(to) && !p.on(to) && (s.room[to] < 0 || p.Bytes <= s.room[to] || slices.Contains(p.before, to))
}

// replace puts the replica at a place on another broker.
func (s *search) replace(p *candidate, place, to int, r rank, why string) {
	from := p.now[place]
	l := p.weight(place)
	s.loads[from].subtract(&l)
	s.loads[to].add(&l)
	p.topic[from]--
	p.topic[to]++
	if !slices.Contains(p.before, from) && s.room[from] >= 0 {
		s.room[from] += p.Bytes
	}
	if !slices.Contains(p.before, to) && s.room[to] >= 0 {
		s.room[to] -= p.Bytes
	}
	p.now[place] = to
	s.note(p, r, why)
}

// prefer has the replica at a place be the first, and the first be there.
func (s *search) prefer(p *candidate, place int, why string) {
	l := p.lead()
	s.loads[p.now[0]].subtract(&l)
	s.loads[p.now[place]].add(&l)
	p.now[0], p.now[place] = p.now[place], p.now[0]
	s.note(p, rankOrder, why)
}

func (s *search) note(p *candidate, r rank, why string) {
	s.changes++
	if p.why[r] == "" {
		p.why[r] = why
	}
	if p.turn == 0 {
		p.turn = s.changes
	}
}

// gain is by how much less brokers would be off, were a load on another one.
func (s *search) gain(l *load, from, to int) float64 {
	g := 0.0
	for m := range l {
		if l[m] == 0 || s.bands[m].even == 0 {
			continue
		}
		b := &s.bands[m]
		if s.usable(from) {
			g += b.off(s.loads[from][m]) - b.off(s.loads[from][m]-l[m])
		}
		g += b.off(s.loads[to][m]) - b.off(s.loads[to][m]+l[m])
	}
	return g
}
