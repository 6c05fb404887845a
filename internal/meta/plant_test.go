//go:build plant

package meta

import (
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

func TestPlantedSnapshotLacksLost(t *testing.T) {
	defer plant.Switch("")
	nodes := []model.NodeID{1, 2}
	i, err := Build(broker(1, 1), &TopicRecord{ID: id(1), Name: "a"}, &PartitionRecord{Topic: id(1),
		Partition: Partition{Replicas: nodes, ISR: nodes, Lost: nodes[1:], Leader: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for bug, want := range map[plant.Bug]int{"": 1, plant.SnapshotLacksLost: 0} {
		plant.Switch(bug)
		again, err := DecodeSnapshot(EncodeSnapshot(i))
		if err != nil || len(again.Topics.ByName("a").Partitions[0].Lost) != want {
			t.Errorf("%q: %v, %+v", bug, err, again)
		}
	}
}
