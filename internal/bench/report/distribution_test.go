package report

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/chronik/chronik/internal/bench/result"
)

// What buckets count is in the steps that they reach over, evenly, and nothing is lost.
func TestBucketsAreSpreadOverSteps(t *testing.T) {
	f := func(first int, want []float64, buckets ...result.Bucket) {
		t.Helper()
		at, got := spread(buckets)
		if at != first || len(got) != len(want) {
			t.Fatalf("%v from %d, not %v from %d", got, at, want, first)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-6*want[i] {
				t.Errorf("%v, not %v", got, want)
			}
		}
	}
	f(0, nil)
	f(0, nil, result.Bucket{To: 1}, result.Bucket{To: 0, Count: 3}, result.Bucket{To: math.Inf(1), Count: 2})
	f(-1, []float64{7}, result.Bucket{To: 1, Count: 7})                                             // the first ends a step
	f(-1, []float64{7, 4}, result.Bucket{To: 1, Count: 7}, result.Bucket{To: edge(1), Count: 4})    // one beside the other
	f(-1, []float64{7, 2, 2}, result.Bucket{To: 1, Count: 7}, result.Bucket{To: edge(2), Count: 4}) // a wide one
	f(0, []float64{5, 4}, result.Bucket{To: 1}, result.Bucket{To: edge(1), Count: 5}, result.Bucket{To: edge(2), Count: 4})
	f(0, []float64{3}, result.Bucket{To: 1}, result.Bucket{To: 1.05, Count: 1}, result.Bucket{To: 1.1, Count: 2}) // narrow ones
}

func TestSpreadLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var buckets []result.Bucket
		total, to := 0.0, 0.001
		for range 1 + r.IntN(300) {
			to *= 1 + r.Float64()*r.Float64()
			b := result.Bucket{To: to, Count: r.Int64N(1000)}
			buckets = append(buckets, b)
			total += float64(b.Count)
		}
		_, counts := spread(buckets)
		sum := 0.0
		for _, n := range counts {
			if n < 0 {
				t.Fatalf("%g in a step", n)
			}
			sum += n
		}
		if math.Abs(sum-total) > 1e-6*total {
			t.Fatalf("%g of %g", sum, total)
		}
	}
}

// A histogram's bars are shares of all, and its last edge ends the last bar.
func TestDistribution(t *testing.T) {
	s := sample("d", 5).Sides[0]
	f, ok := distribution(s)
	if !ok {
		t.Fatal("nothing to show")
	}
	sum, bars := 0.0, f.Plot.Series[0].Values
	for _, v := range bars[:len(bars)-1] {
		sum += float64(v)
	}
	if math.Abs(sum-100) > 1e-6 || len(f.Plot.At) != len(bars) || !math.IsNaN(float64(bars[len(bars)-1])) {
		t.Errorf("bars of %g %%, %d edges of %d", sum, len(f.Plot.At), len(bars))
	}
	if len(f.Plot.Marks) != 3 || f.Plot.Marks[1] != (mark{"p99", value(s.Latency.P99)}) {
		t.Errorf("marks %v", f.Plot.Marks)
	}
	if last := f.Rows[len(f.Rows)-1]; last[3] != "100.00 %" {
		t.Errorf("the last row is %q", last)
	}
}
