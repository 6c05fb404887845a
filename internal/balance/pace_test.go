package balance

import (
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
)

func TestMovesBeginNoFasterThanTheRate(t *testing.T) {
	const rate = 1 << 20
	p := NewPace(rate)
	start := time.Unix(0, 0)
	move := func(bytes int64, to model.NodeID) *Move {
		return &Move{From: []model.NodeID{1, 2}, To: []model.NodeID{1, to}, Bytes: bytes}
	}
	f := func(after time.Duration, m *Move, leader model.NodeID, want bool) {
		t.Helper()
		if got := p.Begin(start.Add(after), m, leader); got != want {
			t.Errorf("after %s: %t", after, got)
		}
	}
	f(0, move(10*rate, 3), 1, true)
	f(9*time.Second, move(rate, 4), 1, false) // 1 is sending
	f(9*time.Second, move(rate, 3), 5, false) // 3 is being sent
	f(9*time.Second, move(rate, 4), 5, true)
	f(9*time.Second, move(0, 3), 1, true) // an order
	f(10*time.Second, move(rate, 3), 1, true)
	f(10*time.Second, move(rate, 4), 1, false)
	p = NewPace(0)
	f(0, move(10*rate, 3), 1, true)
	f(0, move(10*rate, 3), 1, true)
}
