package plant

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryBugHasOneNameAndSaysWhatItDoes(t *testing.T) {
	var names []Bug
	for _, r := range Table() {
		names = append(names, r.Bug)
		if len(strings.Fields(r.What)) < 3 {
			t.Errorf("%s: %q says nothing", r.Bug, r.What)
		}
	}
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
		t.Errorf("%d names for %d bugs", n, len(names))
	}
	if !Known(VoteNotSynced) || Known("none-such") {
		t.Error("Known knows something else than the table")
	}
}

func TestABuildWithoutTheTagPlantsNothing(t *testing.T) {
	for _, r := range Table() {
		if !Enabled && On(r.Bug) {
			t.Errorf("%s is on", r.Bug)
		}
	}
}
