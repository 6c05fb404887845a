package balance

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Pace says when moves may begin, so that no broker sends, or is sent, more than so many
// bytes a second on the average: the next begins when those before would have taken as long
// as they must. How fast one move goes is for a throttle to bound.
type Pace struct {
	rate int64 // bytes a second; 0: as it comes
	free map[model.NodeID]time.Time
}

// NewPace is for a rate in bytes a second; 0 does not bound.
func NewPace(rate int64) *Pace { return &Pace{rate: rate, free: make(map[model.NodeID]time.Time)} }

// Begin reports whether a move may begin now, and counts it if so. leader is who sends.
func (p *Pace) Begin(now time.Time, m *Move, leader model.NodeID) bool {
	if p.rate == 0 || m.Bytes == 0 {
		return true
	}
	targets := m.Targets()
	for _, n := range append(targets, leader) {
		if now.Before(p.free[n]) {
			return false
		}
	}
	for _, n := range targets {
		p.free[n] = now.Add(p.takes(m.Bytes / int64(len(targets))))
	}
	p.free[leader] = now.Add(p.takes(m.Bytes))
	return true
}

// takes is how long so many bytes have to take.
func (p *Pace) takes(bytes int64) time.Duration {
	return time.Duration(float64(bytes) / float64(p.rate) * float64(time.Second))
}
