package histogram

import "slices"

// Snapshot is what a Histogram had counted at one moment. The zero Snapshot has
// counted nothing.
type Snapshot struct {
	Bounds []int64 // shared; not to be changed
	Counts []int64 // of each bound, and last of what is beyond
	Sum    int64   // of the values
}

// Count is how many values there were.
func (s Snapshot) Count() int64 {
	var n int64
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// AtMost is how many values were at most bound, which is one of Bounds; a value
// between two of them is taken for the upper one.
func (s Snapshot) AtMost(bound int64) int64 {
	var n int64
	for i, b := range s.Bounds {
		if b > bound {
			break
		}
		n += s.Counts[i]
	}
	return n
}

// Since is what was counted after an earlier snapshot of the same histogram.
func (s Snapshot) Since(earlier Snapshot) Snapshot {
	if earlier.Counts == nil {
		return s
	}
	d := Snapshot{Bounds: s.Bounds, Counts: slices.Clone(s.Counts), Sum: s.Sum - earlier.Sum}
	for i := range d.Counts {
		d.Counts[i] -= earlier.Counts[i]
	}
	return d
}

// Quantile is the value that a share q, from 0 to 1, of the values do not exceed,
// as far as the bounds tell; false where there are no values. What is beyond the
// last bound is taken for it.
func (s Snapshot) Quantile(q float64) (value float64, ok bool) {
	count := s.Count()
	if count == 0 {
		return 0, false
	}
	rank := q * float64(count)
	below := 0.0 // values under the bounds before
	for i, c := range s.Counts[:len(s.Bounds)] {
		if c > 0 && below+float64(c) >= rank {
			lower := 0.0
			if i > 0 {
				lower = float64(s.Bounds[i-1])
			}
			return lower + (float64(s.Bounds[i])-lower)*(rank-below)/float64(c), true
		}
		below += float64(c)
	}
	return float64(s.Bounds[len(s.Bounds)-1]), true
}
