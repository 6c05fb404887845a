package output

import (
	"maps"
	"slices"
	"strconv"

	"github.com/chronik/chronik/internal/bench/result"
)

// grouped is a number with commas between its thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// rounded has three digits, of which two are after the point at most, or all before it.
func rounded(f float64) string {
	switch {
	case f < 10:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 100:
		return strconv.FormatFloat(f, 'f', 1, 64)
	default:
		return grouped(int64(f + 0.5))
	}
}

// exact is a number with no more digits than it needs.
func exact(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

const megabyte = 1e6

// failures is how many records have failed.
func failures(s *result.Side) int64 {
	n := int64(0)
	for _, of := range s.Errors {
		n += of
	}
	return n
}

// kinds are the kinds of a side's errors, the most frequent one first.
func kinds(s *result.Side) []string {
	return slices.SortedFunc(maps.Keys(s.Errors), func(a, b string) int {
		if s.Errors[a] != s.Errors[b] {
			return int(s.Errors[b] - s.Errors[a])
		}
		if a < b {
			return -1
		}
		return 1
	})
}
