package measure

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chronik/chronik/internal/bench/result"
)

// How exact a distribution is, in significant digits. A fine one takes 200 KiB, a coarse
// one, of which there is one a second, 26.
const (
	fine   = 3
	coarse = 2
)

// latencyMax is the greatest that is told apart, in microseconds. All above count as it,
// but for the maximum.
const latencyMax = int64(time.Hour / time.Microsecond)

// distribution is how latencies are distributed; the sum and the maximum are exact.
type distribution struct {
	counts *hdrhistogram.Histogram // in microseconds
	sum    float64                 // nanoseconds: 10⁹ records of 10 s would be too much for an int64
	most   time.Duration
}

func newDistribution(digits int) *distribution {
	return &distribution{counts: hdrhistogram.New(1, latencyMax, digits)}
}

func (d *distribution) add(latency time.Duration) {
	// Up to the next microsecond, so that no quantile is told better than it is.
	micros := int64((latency + time.Microsecond - 1) / time.Microsecond)
	if err := d.counts.RecordValue(min(micros, latencyMax)); err != nil {
		panic("measure: BUG: " + err.Error())
	}
	d.sum += float64(latency)
	d.most = max(d.most, latency)
}

// quantile is in milliseconds, of a percentage.
func (d *distribution) quantile(percent float64) float64 {
	// The histogram answers with the upper end of a range, which may be above the maximum.
	return min(float64(d.counts.ValueAtPercentile(percent))/1000, milliseconds(d.most))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (d *distribution) summary() result.Latency {
	n := d.counts.TotalCount()
	if n == 0 {
		return result.Latency{}
	}
	return result.Latency{
		Mean: d.sum / float64(n) / float64(time.Millisecond),
		P50:  d.quantile(50), P90: d.quantile(90), P99: d.quantile(99), P999: d.quantile(99.9),
		Max: milliseconds(d.most), Buckets: d.buckets(),
	}
}

// bucketsADecade is how many bars a reader is given from 1 ms to 10: each ends 7.5 % above
// the one before.
const bucketsADecade = 32

// buckets are the bars that are not empty.
func (d *distribution) buckets() []result.Bucket {
	var found []result.Bucket
	for _, bar := range d.counts.Distribution() {
		if bar.Count == 0 {
			continue
		}
		to := math.Pow(10, math.Ceil(bucketsADecade*math.Log10(float64(bar.To)/1000)-1e-9)/bucketsADecade)
		if last := len(found) - 1; last >= 0 && found[last].To == to {
			found[last].Count += bar.Count
		} else {
			found = append(found, result.Bucket{To: to, Count: bar.Count})
		}
	}
	return found
}
