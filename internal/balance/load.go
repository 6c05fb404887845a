package balance

import "math"

// measure is one thing that brokers have their share of.
type measure int

const (
	replicas measure = iota
	bytes
	leaders
	in
	out
	measures
)

// load is what a broker has of each, or what a replica adds to it.
type load [measures]int64

func (l *load) add(o *load) {
	for m := range l {
		l[m] += o[m]
	}
}

func (l *load) subtract(o *load) {
	for m := range l {
		l[m] -= o[m]
	}
}

// band is what a broker may have of something.
type band struct {
	even      float64 // 0: there is nothing of it
	low, high int64
}

// newBand is for a total on so many brokers. Of what is counted, the whole numbers next to
// even are always within.
func newBand(total int64, brokers int, tolerance float64, slack int64) band {
	if total == 0 || brokers == 0 {
		return band{low: math.MinInt64, high: math.MaxInt64}
	}
	const rounding = 1e-9
	even := float64(total) / float64(brokers)
	b := band{even: even}
	b.low = min(int64(math.Floor(even)), int64(math.Ceil(even*(1-tolerance)-rounding))) - slack
	b.high = max(int64(math.Ceil(even)), int64(math.Floor(even*(1+tolerance)+rounding))) + slack
	return b
}

// off is how much too much or too little there is, as a share of even.
func (b *band) off(have int64) float64 {
	switch {
	case b.even == 0:
		return 0
	case have > b.high:
		return float64(have-b.high) / b.even
	case have < b.low:
		return float64(b.low-have) / b.even
	}
	return 0
}

// bands are for each measure.
type bands [measures]band

func (b *bands) off(l *load) (sum float64) {
	for m := range b {
		sum += b[m].off(l[m])
	}
	return sum
}

// under reports whether a load has too little of anything.
func (b *bands) under(l *load) bool {
	for m := range b {
		if b[m].even > 0 && l[m] < b[m].low {
			return true
		}
	}
	return false
}
