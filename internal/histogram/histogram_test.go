package histogram

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestObserveCountsUnderTheFirstBoundThatHolds(t *testing.T) {
	h := New([]int64{10, 20})
	for _, v := range []int64{-5, 0, 10, 11, 20, 21, 1000} {
		h.Observe(v)
	}
	s := h.Snapshot()
	if !slices.Equal(s.Counts, []int64{3, 2, 2}) || s.Sum != 1057 || s.Count() != 7 {
		t.Errorf("counted %v, sum %d, count %d", s.Counts, s.Sum, s.Count())
	}
	if s.AtMost(10) != 3 || s.AtMost(20) != 5 {
		t.Errorf("at most 10: %d, at most 20: %d", s.AtMost(10), s.AtMost(20))
	}
}

func TestSinceIsWhatCameAfter(t *testing.T) {
	h := New([]int64{10})
	h.Observe(3)
	first := h.Snapshot()
	h.Observe(4)
	h.Observe(40)
	d := h.Snapshot().Since(first)
	if !slices.Equal(d.Counts, []int64{1, 1}) || d.Sum != 44 {
		t.Errorf("since: %v, sum %d", d.Counts, d.Sum)
	}
	if all := h.Snapshot().Since(Snapshot{}); all.Count() != 3 {
		t.Errorf("since nothing: %d values", all.Count())
	}
}

func TestQuantileOfNothing(t *testing.T) {
	if _, ok := New(Durations()).Snapshot().Quantile(0.5); ok {
		t.Error("there is a median of no values")
	}
	if _, ok := (Snapshot{}).Quantile(0.5); ok {
		t.Error("there is a median of the zero snapshot")
	}
}

func TestQuantileBeyondTheLastBound(t *testing.T) {
	h := New([]int64{10})
	h.Observe(99)
	if v, ok := h.Snapshot().Quantile(0.5); !ok || v != 10 {
		t.Errorf("median %v, %v", v, ok)
	}
}

// A quantile lies in the same pair of bounds as the value that sorting gives.
func TestQuantileIsNearTheRealOne(t *testing.T) {
	bounds := Durations()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(10_001, 50_000_000_000), 1, 200).Draw(t, "values")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		h := New(bounds)
		for _, v := range values {
			h.Observe(v)
		}
		got, ok := h.Snapshot().Quantile(q)
		slices.Sort(values)
		rank := int(q * float64(len(values)))
		if float64(rank) == q*float64(len(values)) {
			rank--
		}
		want := float64(values[max(rank, 0)])
		if !ok || got < want/1.29 || got > want*1.29 {
			t.Fatalf("quantile %v of %v is %v, want about %v", q, values, got, want)
		}
	})
}

func TestBoundsAscend(t *testing.T) {
	for name, bounds := range map[string][]int64{"durations": Durations(), "powers": Powers(1, 1<<20)} {
		if !slices.IsSorted(bounds) || len(slices.Compact(slices.Clone(bounds))) != len(bounds) {
			t.Errorf("%s do not ascend: %v", name, bounds)
		}
	}
	for _, want := range []int64{10_000, 25_000, 50_000, 1_000_000, 2_500_000, 100_000_000_000} {
		if !slices.Contains(Durations(), want) {
			t.Errorf("%d ns is not among the durations", want)
		}
	}
	if got := Powers(4, 16); !slices.Equal(got, []int64{4, 8, 16}) {
		t.Errorf("powers from 4 to 16: %v", got)
	}
}

func TestObserveFromManyGoroutines(t *testing.T) {
	h := New(Durations())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range int64(1000) {
				h.Observe(i * 1000)
				h.Snapshot()
			}
		})
	}
	all.Wait()
	if n := h.Snapshot().Count(); n != 4000 {
		t.Errorf("%d values, want 4000", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	h := New(Durations())
	b.ReportAllocs()
	for i := range b.N {
		h.Observe(int64(i&0xff) * 10_000)
	}
}
