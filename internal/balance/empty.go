package balance

// empty moves everything off brokers that are to have nothing, to where the partition is
// spread over racks the best, and of those places to where there is too little.
func (s *search) empty() {
	for b := range s.brokers {
		if !s.brokers[b].Empty {
			continue
		}
		stay := 0
		for i := range s.partitions {
			if p := &s.partitions[i]; p.on(b) && !s.vacate(p, b) {
				stay++
			}
		}
		if stay > 0 {
			s.remarks = append(s.remarks, staysOn(s.brokers[b].ID, stay))
		}
	}
}

func (s *search) vacate(p *candidate, broker int) bool {
	if p.fixed() {
		return false
	}
	best := choice{}
	for place, b := range p.now {
		if b != broker {
			continue
		}
		l := p.weight(place)
		for to := range s.brokers {
			if s.fits(p, to) {
				best = best.better(choice{place: place, to: to, crowding: s.crowding(p, place, to), gain: s.gain(&l, b, to), found: true})
			}
		}
	}
	if best.found {
		s.replace(p, best.place, best.to, rankEmpty, toBeEmpty(s.brokers[broker].ID))
	}
	return best.found
}
