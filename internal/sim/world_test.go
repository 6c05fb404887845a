package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever is pushed and popped in between, the queue gives the earliest event, and
// of those of one time the one that was scheduled first.
func TestTheQueueGivesEventsInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var q queue
	var model []event
	for order := range uint64(3000) {
		e := event{at: time.Duration(rng.IntN(50)), order: order}
		q.push(e)
		model = append(model, e)
		for len(model) > 0 && rng.IntN(5) < 2 {
			slices.SortFunc(model, func(a, b event) int {
				return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
			})
			if got := q.pop(); got.at != model[0].at || got.order != model[0].order {
				t.Fatalf("popped %d/%d, want %d/%d", got.at, got.order, model[0].at, model[0].order)
			}
			model = model[1:]
		}
	}
	if len(q) != len(model) || len(q) == 0 {
		t.Errorf("%d left, want %d", len(q), len(model))
	}
}
