package balance

// mendRacks spreads partitions over more racks where there are some.
func (s *search) mendRacks() {
	if s.rackCount < 2 {
		return
	}
	for i := range s.partitions {
		p := &s.partitions[i]
		for !p.fixed() && s.mend(p) {
		}
	}
}

// mend takes one replica to a rack that has fewer, if there is one: that which relieves the
// most, followers before the leader.
func (s *search) mend(p *candidate) bool {
	best := choice{}
	for place := len(p.now) - 1; place >= 0; place-- {
		if !s.usable(p.now[place]) {
			continue
		}
		l := p.weight(place)
		for to := range s.brokers {
			if !s.fits(p, to) {
				continue
			}
			if c := (choice{place: place, to: to, crowding: s.crowding(p, place, to), gain: s.gain(&l, p.now[place], to), found: true}); c.crowding < 0 {
				best = best.better(c)
			}
		}
	}
	if !best.found {
		return false
	}
	from := p.now[best.place]
	s.replace(p, best.place, best.to, rankRacks, sameRack(&s.brokers[from], &s.brokers[best.to]))
	return true
}

// choice is where one replica could go.
type choice struct {
	found     bool
	place, to int
	crowding  int
	gain      float64
}

// better is the better of the two; the earlier of those that are alike.
func (c choice) better(d choice) choice {
	switch {
	case !d.found, c.found && c.crowding < d.crowding:
		return c
	case !c.found, d.crowding < c.crowding, d.gain > c.gain:
		return d
	}
	return c
}
