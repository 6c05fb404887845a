package plan

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestASeedIsAPlan(t *testing.T) {
	for seed := range uint64(50) {
		a, b := New(seed, time.Minute, Kinds()), New(seed, time.Minute, Kinds())
		if !reflect.DeepEqual(a, b) || a.String() != b.String() {
			t.Errorf("seed %d: %s\nand %s", seed, a, b)
		}
	}
}

// TestPlansKeepToWhatTheyMay looks at many plans: their times, and that one node rots.
func TestPlansKeepToWhatTheyMay(t *testing.T) {
	const length = time.Minute
	struck, roles := map[Kind]int{}, map[Role]int{}
	overlaps := 0
	for seed := range uint64(200) {
		p := New(seed, length, Kinds())
		if len(p.Strikes) < 3 {
			t.Errorf("seed %d: %d strikes", seed, len(p.Strikes))
		}
		rotten := map[int]bool{}
		var last Strike
		for _, s := range p.Strikes {
			struck[s.Kind]++
			roles[s.Role]++
			if s.Begin < calm || s.End <= s.Begin || s.End > length || s.Begin < last.Begin {
				t.Errorf("seed %d: %s after %s", seed, s, last)
			}
			if s.Victim < 1 || s.Victim > Nodes {
				t.Errorf("seed %d: %s", seed, s)
			}
			if s.Kind.rots() {
				rotten[s.Victim] = true
				if s.Role != Any {
					t.Errorf("seed %d: %s", seed, s)
				}
			}
			if s.Kind == FromController && s.Role == Controller {
				t.Errorf("seed %d: %s from itself", seed, s)
			}
			if s.Begin < last.End {
				overlaps++
			}
			last = s
		}
		if len(rotten) > 1 {
			t.Errorf("seed %d: %d nodes rot", seed, len(rotten))
		}
	}
	if len(struck) != len(Kinds()) || len(roles) != 3 || overlaps < 100 {
		t.Errorf("kinds %v, roles %v, %d overlaps", struck, roles, overlaps)
	}
}

func TestAPlanOfSomeKinds(t *testing.T) {
	for _, s := range New(1, 5*time.Minute, []Kind{Pause, KillAll}).Strikes {
		if s.Kind != Pause && s.Kind != KillAll {
			t.Error(s)
		}
	}
	if p := New(1, time.Minute, nil); len(p.Strikes) > 0 {
		t.Error(p)
	}
}

func TestOthersFollowTheVictim(t *testing.T) {
	for victim, want := range map[int][]int{1: {2, 3}, 2: {3, 1}, 3: {1, 2}} {
		if got := Others(victim); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", victim, got, want)
		}
	}
}
