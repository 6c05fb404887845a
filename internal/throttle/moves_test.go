package throttle

import (
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Goal: a move has its pace from before it begins until it ends, whatever the controller says
// again meanwhile, and nobody else's has.
func TestAMoveHasItsPaceUntilItEnds(t *testing.T) {
	name := model.TopicPartition{Topic: "t", Partition: 0}
	copies := []Copy{{Topic: "t", Partition: 0, To: []model.NodeID{4}}, {Topic: "gone", Partition: 7, To: []model.NodeID{4}}}
	resting := imageWith(t, []meta.Partition{{Replicas: []model.NodeID{1, 2}, ISR: []model.NodeID{1, 2}, Leader: 1}})
	moving := imageWith(t, []meta.Partition{{
		Replicas: []model.NodeID{4, 1, 2}, Adding: []model.NodeID{4}, Removing: []model.NodeID{2}, ISR: []model.NodeID{1, 2}, Leader: 1,
	}})
	ended := imageWith(t, []meta.Partition{{Replicas: []model.NodeID{4, 1}, ISR: []model.NodeID{4, 1}, Leader: 4}})

	var m Moves
	m.Follow(moving, start)
	if m.Has(name, 4, start) {
		t.Error("a pace that nobody has asked for")
	}
	m.Set(copies, start)
	if !m.Has(name, 4, start) || m.Has(name, 2, start) || m.Has(model.TopicPartition{Topic: "t", Partition: 1}, 4, start) {
		t.Error("what was asked for is not what has a pace")
	}
	m.Follow(resting, start.Add(beginMax))
	m.Follow(moving, start.Add(beginMax))
	m.Set(copies, start.Add(2*beginMax)) // as a node is told again
	m.Follow(moving, start.Add(10*beginMax))
	if !m.Has(name, 4, start.Add(10*beginMax)) {
		t.Error("a move has lost its pace on its way")
	}
	m.Follow(ended, start.Add(10*beginMax))
	m.Follow(moving, start.Add(10*beginMax))
	if m.Has(name, 4, start) {
		t.Error("the next move of the partition has the pace of the last")
	}

	// One that never began is given up, and so is somebody else's that comes later.
	m.Set(copies, start)
	m.Follow(resting, start.Add(beginMax))
	if late := start.Add(beginMax + 1); m.Has(name, 4, late) {
		t.Error("a move that never began has a pace")
	} else if m.Follow(moving, late); len(m) > 0 {
		t.Error("moves that never began are kept")
	}
	m.Set(copies, start)
	m.Set(copies, start.Add(beginMax)) // told of again
	m.Follow(moving, start.Add(beginMax+1))
	if !m.Has(name, 4, start.Add(beginMax+1)) {
		t.Error("a move that begins late has no pace")
	}
	m.Set(copies, start)
	m.Set(nil, start)
	if m.Has(name, 4, start) {
		t.Error("it was taken back")
	}
}
