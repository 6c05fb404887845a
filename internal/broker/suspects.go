package broker

import (
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// suspicion is how long a node whose connection has ended is thought to have died: by
// then others lead what it led, or it has been heard of.
const suspicion = time.Second

// outOfTouch: the controller has been silent for long, and there is another node that
// clients may reach. Where all others are known to be gone, nobody knows more.
func (b *Broker) outOfTouch() bool {
	if !b.member.OutOfTouch() {
		return false
	}
	for other := range b.quorum.Image().Brokers.All() {
		if other.ID != b.config.NodeID && !other.Fenced && !b.nodes.network.Refused(other.ID) {
			return true
		}
	}
	return false
}

// suspects are the nodes that may have just died. The zero value has none; it may be
// used concurrently.
type suspects struct {
	mu    sync.Mutex
	since map[model.NodeID]time.Time
}

func (s *suspects) add(node model.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since = make(map[model.NodeID]time.Time)
	}
	s.since[node] = time.Now()
}

func (s *suspects) has(node model.NodeID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, ok := s.since[node]
	if ok && time.Since(since) > suspicion {
		delete(s.since, node)
		return false
	}
	return ok
}
