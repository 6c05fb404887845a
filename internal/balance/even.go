package balance

import (
	"container/heap"
	"hash/fnv"
)

const (
	// gainMin is what a change has to relieve, as a share of even: rounding is less.
	gainMin = 1e-6
	// passesMax bounds how often all brokers are looked at; a few times is enough.
	passesMax = 50
	// leaderCost makes a follower's move the better one of two that are alike, and
	// orderCost one that copies nothing better than both.
	leaderCost, orderCost = 1.2, 0.01
	// topicShare is what one replica more of the topic adds to the worth of a move from
	// one broker to another: topics spread, where that is free.
	topicShare, topicMax = 0.02, 10
)

// even takes from brokers that have too much and gives to those that have too little,
// until no single change helps. Only one that involves such a broker can.
func (s *search) even() {
	for range passesMax {
		before := s.changes
		for b := range s.brokers {
			if s.usable(b) && s.bands.off(&s.loads[b]) > 0 {
				s.relieve(b)
			}
		}
		if s.changes == before {
			return
		}
	}
}

// option is a change of one partition: the replica on from goes to another broker, or
// the broker from leads no more.
type option struct {
	p        *candidate
	from, to int
	order    bool // replicas stay, and change their order
	toOnly   bool // no other target is to be looked for
	gain     float64
	worth    float64 // gain by what it costs
	turn     uint32  // among those that are alike, and in no order that names have
}

// relieve does the best of what would bring one broker closer to even, again and again.
// What an option is worth changes with every change; so the best is looked at again
// before it is taken, and put back where another has become better.
func (s *search) relieve(b int) {
	var queue options
	incoming := s.bands.under(&s.loads[b])
	for i := range s.partitions {
		p := &s.partitions[i]
		if p.fixed() {
			continue
		}
		if p.on(b) {
			s.offer(&queue, option{p: p, from: b})
		} else if incoming && s.fits(p, b) {
			for _, from := range p.now {
				if s.usable(from) {
					s.offer(&queue, option{p: p, from: from, to: b, toOnly: true})
				}
			}
		}
		s.offerOrders(&queue, p, b)
	}
	heap.Init(&queue)
	for len(queue) > 0 && s.bands.off(&s.loads[b]) > 0 {
		best := queue[0]
		if !s.appraise(&best) {
			heap.Pop(&queue)
			continue
		}
		if best.worth < queue[0].worth {
			queue[0] = best
			heap.Fix(&queue, 0)
			continue
		}
		heap.Pop(&queue)
		s.do(&best)
	}
}

// offerOrders: the broker leads no more, or leads where it follows.
func (s *search) offerOrders(queue *options, p *candidate, b int) {
	if !s.usable(p.now[0]) {
		return
	}
	for _, to := range p.now[1:] {
		if (p.now[0] == b || to == b) && s.usable(to) {
			s.offer(queue, option{p: p, from: p.now[0], to: to, order: true})
		}
	}
}

func (s *search) offer(queue *options, o option) {
	if s.appraise(&o) {
		o.turn = o.p.scatter()
		*queue = append(*queue, o)
	}
}

// scatter is a number that goes by no order of names.
func (p *candidate) scatter() uint32 {
	h := fnv.New32a()
	h.Write([]byte(p.Name.Topic)) // never fails
	n := p.Name.Partition
	h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	return h.Sum32()
}

// appraise finds the best target of an option and what it is worth by now; false where it
// relieves nothing, or cannot be done any more.
func (s *search) appraise(o *option) bool {
	if o.order {
		l := o.p.lead()
		if o.p.now[0] != o.from || !o.p.on(o.to) {
			return false
		}
		o.gain = s.gain(&l, o.from, o.to)
		o.worth = o.gain / (orderCost * s.each())
		return o.gain > gainMin
	}
	place := -1
	for k, b := range o.p.now {
		if b == o.from {
			place = k
		}
	}
	if place < 0 {
		return false
	}
	if o.toOnly {
		if o.p.on(o.to) || !s.fits(o.p, o.to) || s.crowding(o.p, place, o.to) > 0 {
			return false
		}
		return s.weigh(o, place, o.to)
	}
	best := *o
	best.worth = 0
	for to := range s.brokers {
		if !s.fits(o.p, to) || s.crowding(o.p, place, to) > 0 {
			continue
		}
		if c := *o; s.weigh(&c, place, to) && c.worth > best.worth {
			best = c
		}
	}
	*o = best
	return best.worth > 0
}

// weigh is what it is worth to have a replica on one broker rather than on another.
func (s *search) weigh(o *option, place, to int) bool {
	l := o.p.weight(place)
	o.to, o.gain = to, s.gain(&l, o.from, to)
	if o.gain <= gainMin {
		return false
	}
	cost := s.each()
	if place == 0 {
		cost *= leaderCost
	}
	cost += s.copied(o.p, o.from, to)
	more := min(topicMax, max(-topicMax, float64(o.p.topic[o.from]-o.p.topic[to])))
	o.worth = o.gain * (1 + topicShare*more) / cost
	return true
}

// each is what a change costs besides bytes, in the unit of copied: what the average replica
// does.
func (s *search) each() float64 { return 1 / max(1, s.bands[replicas].even) }

// copied is what a replica's move adds to what is copied, as a share of what a broker has:
// nothing where the replica moves already.
func (s *search) copied(p *candidate, from, to int) float64 {
	if s.bands[bytes].even == 0 {
		return 0
	}
	copies := 0
	for _, b := range p.before {
		switch b {
		case from: // away from where it is
			copies++
		case to: // back to where it is
			copies--
		}
	}
	return float64(max(0, copies)) * float64(p.Bytes) / s.bands[bytes].even
}

// do carries an option out, and says why: what it relieves the most.
func (s *search) do(o *option) {
	l := o.p.lead()
	place := 0
	if !o.order {
		for k, b := range o.p.now {
			if b == o.from {
				place = k
			}
		}
		l = o.p.weight(place)
	}
	why := s.uneven(&l, o.from, o.to)
	if !o.order {
		s.replace(o.p, place, o.to, rankEven, why)
		return
	}
	for k, b := range o.p.now {
		if b == o.to {
			s.prefer(o.p, k, why)
			return
		}
	}
}

// options are a heap, the one that is worth the most on top.
type options []option

// Len implements heap.Interface.
func (o options) Len() int { return len(o) }

// Less implements heap.Interface.
func (o options) Less(i, j int) bool {
	if o[i].worth != o[j].worth {
		return o[i].worth > o[j].worth
	}
	return o[i].turn < o[j].turn
}

// Swap implements heap.Interface.
func (o options) Swap(i, j int) { o[i], o[j] = o[j], o[i] }

// Push implements heap.Interface.
func (o *options) Push(x any) { *o = append(*o, x.(option)) }

// Pop implements heap.Interface.
func (o *options) Pop() any {
	last := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return last
}
