package controller

import (
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Goal: a run is said to be gone by images that have its registration and its end, and by
// no others. Method: the images of a node's history, asked for each of its runs.
func TestStandingInEveryImageOfAHistory(t *testing.T) {
	const node = 4
	register := func(epoch model.BrokerEpoch) meta.Record {
		return &meta.RegisterBrokerRecord{Broker: meta.Broker{ID: node, Epoch: epoch, Incarnation: model.Incarnation{byte(epoch)}}}
	}
	history := []struct {
		index  uint64
		record meta.Record
		wants  map[model.BrokerEpoch]Standing
	}{
		{5, register(5), map[model.BrokerEpoch]Standing{0: Undecided, 5: Registered, 7: Undecided, 11: Undecided}},
		{7, register(7), map[model.BrokerEpoch]Standing{0: Undecided, 5: Replaced, 7: Registered, 11: Undecided}},
		{9, &meta.UnregisterBrokerRecord{ID: node, Epoch: 7}, map[model.BrokerEpoch]Standing{0: Undecided, 5: Removed, 7: Removed, 11: Undecided}},
		{11, register(11), map[model.BrokerEpoch]Standing{0: Undecided, 5: Replaced, 7: Replaced, 11: Registered}},
	}
	image := new(meta.Image)
	if got := StandingOf(image, node, 5); got != Undecided {
		t.Errorf("to a node without metadata it is %d", got)
	}
	for _, step := range history {
		next, _, err := image.Apply([]meta.Record{step.record}, step.index)
		if err != nil {
			t.Fatal(err)
		}
		image = next
		for epoch, want := range step.wants {
			if got := StandingOf(image, node, epoch); got != want {
				t.Errorf("at %d the run of epoch %d is %d, want %d", step.index, epoch, got, want)
			}
		}
	}
}
