//go:build plant

package quorum

import (
	"testing"

	"github.com/chronik/chronik/internal/plant"
)

// Goal: the random machines find what is planted. Method: seeds until one does.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range []plant.Bug{plant.VoteNotSynced, plant.EntriesNotSynced} {
		plant.Switch(bug)
		defer plant.Switch("")
		found := error(nil)
		for seed := uint64(0); seed < 2000 && found == nil; seed++ {
			found = newWorld(t, seed, 3, 2).run(30_000)
			if found != nil {
				t.Logf("%s: seed %d: %v", bug, seed, found)
			}
		}
		if found == nil {
			t.Errorf("%s is not found", bug)
		}
	}
}
