package controller

import (
	"time"

	"github.com/chronik/chronik/internal/meta"
)

// A node that comes back follows what it has led before; when it has caught up, it leads
// again, after Timing.Prefer (auto.leader.rebalance.enable). Its partitions do not all
// change hands at once: their clients would all look for the new leader at the same time.
const (
	preferMax   = 100
	preferPause = time.Second
)

// noteUnpreferred has a partition elect its first replica, later, where that can lead and
// does not.
func (s *Supervisor) noteUnpreferred(now time.Time, key partitionKey, p *meta.Partition) {
	switch {
	case s.timing.Prefer == 0:
	case p.Leader == p.Replicas[0]:
		delete(s.preferred, key)
	case mayPrefer(s.image, p) == nil:
		s.preferBy(now.Add(s.timing.Prefer))
	}
}

func (s *Supervisor) preferBy(at time.Time) { s.preferAt = earliest(s.preferAt, at) }

// prefer opens elections, of so many partitions at a time. Where one has ended with another
// leader, since that holds more, it is not repeated for as long as was waited for it first.
func (s *Supervisor) prefer(now time.Time) {
	s.preferAt = time.Time{}
	var names []PartitionName
	for _, name := range unpreferred(s.image) {
		key := partitionKey{s.image.Topics.ByName(name.Topic).ID, name.Partition}
		if asked, again := s.preferred[key]; again && now.Before(asked.Add(s.timing.Prefer)) {
			s.preferBy(asked.Add(s.timing.Prefer))
			continue
		}
		if len(names) == preferMax {
			s.preferBy(now.Add(preferPause))
			break
		}
		s.preferred[key] = now
		s.preferBy(now.Add(s.timing.Prefer)) // the command may be lost
		names = append(names, name)
	}
	if len(names) > 0 {
		s.commands = append(s.commands, PreferLeaders{Partitions: names})
	}
}
