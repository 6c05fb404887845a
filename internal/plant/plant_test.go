package plant

import (
	"slices"
	"testing"
)

func TestBugsAreNamedOnce(t *testing.T) {
	all := Bugs()
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("%d names for %d bugs", n, len(all))
	}
}

func TestABuildWithoutTheTagPlantsNothing(t *testing.T) {
	for _, b := range Bugs() {
		if !Enabled && On(b) {
			t.Errorf("%s is on", b)
		}
	}
}
