package explore

import (
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// Goal: no promise is broken in the first states of the small case, in any of its
// variants. Method: breadth first, to a bound that a test can afford; the command
// goes further.
func TestPromisesAreKept(t *testing.T) {
	strict := Small()
	strict.States = 10_000
	relaxed := strict
	relaxed.Relaxed, relaxed.MinInsync = true, 1
	crowded := strict
	crowded.InFlight, crowded.MinInsync, crowded.Delays = 3, 3, 4
	for _, b := range []Bounds{strict, relaxed, crowded} {
		r := Search(t.Context(), b, func(Result) {})
		if r.Violation != nil {
			t.Errorf("%+v: %v", b, r.Violation)
			for _, line := range r.Story {
				t.Log(line)
			}
		}
		if r.States < b.States || r.Committed == 0 {
			t.Errorf("%+v: %d states with up to %d records committed, stopped by %s", b, r.States, r.Committed, r.Stopped)
		}
	}
}

// Goal: a search ends where there is nothing more, and finds the same whenever it
// is run.
func TestASmallSpaceIsSearchedToItsEnd(t *testing.T) {
	b := Bounds{Records: 1, Crashes: 1, Losses: 1, Elections: 1, Changes: 1, InFlight: 1, MinInsync: 2, States: 1_000_000, Bytes: 1 << 30}
	first := Search(t.Context(), b, func(Result) {})
	again := Search(t.Context(), b, func(Result) {})
	if first.Violation != nil || !first.Complete || first.States < 250 {
		t.Errorf("%+v", first)
	}
	if first.States != again.States || first.Depth != again.Depth || first.Locals != again.Locals {
		t.Errorf("%+v, and then %+v", first, again)
	}
}

// Goal: each bound lets something happen that does not happen without it.
func TestMoreIsAllowedMoreHappens(t *testing.T) {
	b := Bounds{Records: 1, Crashes: 1, InFlight: 1, MinInsync: 2, States: 100_000, Bytes: 1 << 30}
	plain := Search(t.Context(), b, func(Result) {}).States
	for name, more := range map[string]func(*Bounds){
		"records":   func(b *Bounds) { b.Records++ },
		"crashes":   func(b *Bounds) { b.Crashes++ },
		"losses":    func(b *Bounds) { b.Losses++ },
		"elections": func(b *Bounds) { b.Elections++ },
		"changes":   func(b *Bounds) { b.Changes++ },
		"configs":   func(b *Bounds) { b.Configs++ },
		"delays":    func(b *Bounds) { b.Delays++ },
		"breaks":    func(b *Bounds) { b.Breaks++ },
	} {
		with := b
		more(&with)
		if got := Search(t.Context(), with, func(Result) {}).States; got <= plain {
			t.Errorf("one more of %s: %d states, %d without", name, got, plain)
		}
	}
}

func TestASetOfHashesHoldsWhatWasPutIn(t *testing.T) {
	s := newSeen()
	for h := uint64(1); h < 200_000; h++ {
		if !s.add(h * 0x9e3779b97f4a7c15) {
			t.Fatalf("%d was in it", h)
		}
	}
	for h := uint64(1); h < 200_000; h++ {
		if s.add(h * 0x9e3779b97f4a7c15) {
			t.Fatalf("%d was lost", h)
		}
	}
}

// Goal: every lane is a bit of its own.
func TestLanesAreDistinct(t *testing.T) {
	var all []lanes
	for k := laneDisk; k <= laneUnfence; k++ {
		for n := range brokers {
			for peer := range brokers {
				l := lane(k, model.NodeID(n), model.NodeID(peer))
				pair := k == laneNetwork || k == lanePush
				if peer > 0 && !pair || n > 0 && k == laneElection {
					continue
				}
				if l == 0 || slices.Contains(all, l) {
					t.Errorf("lane %d of %d and %d is another's", k, n, peer)
				}
				all = append(all, l)
			}
		}
	}
}
