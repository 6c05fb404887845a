package controller

import (
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/meta"
)

// moveChanged follows a partition's reassignment.
func (s *Supervisor) moveChanged(key partitionKey, p *meta.Partition) {
	switch {
	case !p.Reassigning():
		s.moveEnded(key)
	case !movesOn(s.image, p):
		delete(s.moves, key)
		s.waitingMoves[key] = struct{}{}
	case moved(p):
		s.moves[key] = time.Time{}
		delete(s.waitingMoves, key)
	default:
		s.moves[key] = s.handovers[key] // one that has elected the same leader again is not repeated at once
		delete(s.waitingMoves, key)
	}
}

func (s *Supervisor) moveEnded(key partitionKey) {
	delete(s.moves, key)
	delete(s.handovers, key)
	delete(s.waitingMoves, key)
}

// lookAtWaitingMoves: brokers have changed, and a leader that is to go may have somebody to
// hand over to. Of the partition nothing changes by that.
func (s *Supervisor) lookAtWaitingMoves() {
	for key := range s.waitingMoves {
		if p := findPartition(s.image, key); p != nil {
			s.moveChanged(key, p)
		}
	}
}

// movesMax is how many reassignments take a step in one entry of the metadata log:
// several thousand may be under way, and each may have a leader to elect.
const movesMax = 500

// advanceMoves has reassignments that wait for nothing go on.
func (s *Supervisor) advanceMoves(now time.Time) {
	var due []PartitionRef
	for _, key := range slices.SortedFunc(maps.Keys(s.moves), partitionKey.compare) {
		if len(due) == movesMax {
			s.retryBy(now.Add(s.timing.Retry))
			break
		}
		if asked := s.moves[key]; !s.due(now, asked) {
			s.retryBy(asked.Add(s.timing.Retry))
			continue
		}
		s.moves[key] = now
		if p := findPartition(s.image, key); p != nil && !moved(p) {
			s.handovers[key] = now
		}
		s.retryBy(now.Add(s.timing.Retry))
		due = append(due, PartitionRef{key.topic, key.partition})
	}
	if len(due) > 0 {
		s.commands = append(s.commands, AdvanceReassignments{Partitions: due})
	}
}
