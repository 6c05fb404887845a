package partition

import (
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Follower is what a leader knows of another replica.
type Follower struct {
	Node model.NodeID
	// Known: it has said what it holds. End is that, durably, and CaughtUp when it
	// last had all that there was.
	Known    bool
	End      model.Offset
	CaughtUp time.Time
}

// Followers is what this node, where it leads, knows of the other replicas. It appends
// to to, which may be nil.
func (p *Partition) Followers(to []Follower) []Follower {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, leads := p.mu.replica.Leads(); !leads {
		return to
	}
	now := time.Now()
	for _, m := range p.mu.replica.View().Members {
		if m.Node == p.set.node {
			continue
		}
		f := Follower{Node: m.Node}
		f.End, f.CaughtUp, f.Known = p.mu.replica.Known(m.Node, now)
		to = append(to, f)
	}
	return to
}

// isrChanged tells of another in-sync set of a partition that this node leads.
func (s *Set) isrChanged(name model.TopicPartition, before *State, isr []model.NodeID) {
	s.logger.Info("ISR updated", "partition", name, "isr", isr, "before", before.ISR)
	if !before.Leading {
		return
	}
	has := func(set []model.NodeID) func(model.NodeID) bool {
		return func(n model.NodeID) bool { return slices.Contains(set, n) }
	}
	if s.options.Shrunk != nil && !all(before.ISR, has(isr)) {
		s.options.Shrunk()
	}
	if s.options.Expanded != nil && !all(isr, has(before.ISR)) {
		s.options.Expanded()
	}
}

func all(nodes []model.NodeID, holds func(model.NodeID) bool) bool {
	return !slices.ContainsFunc(nodes, func(n model.NodeID) bool { return !holds(n) })
}

// EachOffline yields the partitions that this node should hold and cannot open.
func (s *Set) EachOffline(yield func(model.TopicPartition, error) bool) {
	s.mu.RLock()
	offline := make(map[model.TopicPartition]error, len(s.offline))
	for name, why := range s.offline {
		offline[name] = why
	}
	s.mu.RUnlock()
	for name, why := range offline {
		if !yield(name, why) {
			return
		}
	}
}
