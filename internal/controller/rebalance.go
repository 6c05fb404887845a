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
func (s *Supervisor) noteUnpreferred(now time.Time, p *meta.Partition) {
	if s.timing.Prefer > 0 && mayPrefer(s.image, p) == nil {
		s.preferBy(now.Add(s.timing.Prefer))
	}
}

func (s *Supervisor) preferBy(at time.Time) { s.preferAt = earliest(s.preferAt, at) }

// prefer opens elections, of so many partitions at a time.
func (s *Supervisor) prefer(now time.Time) {
	s.preferAt = time.Time{}
	names := unpreferred(s.image)
	switch {
	case len(names) == 0:
		return
	case len(names) > preferMax:
		names = names[:preferMax]
		s.preferBy(now.Add(preferPause))
	default:
		s.preferBy(now.Add(s.timing.Prefer)) // the command may be lost
	}
	s.commands = append(s.commands, PreferLeaders{Partitions: names})
}
