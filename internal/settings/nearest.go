package settings

import "iter"

// Nearest finds the name that a mistyped one was most likely meant to be. ""
// where none is close: more than a third of the letters being wrong is not a
// slip of the finger.
func Nearest(name string, names iter.Seq[string]) string {
	best, bestDistance := "", len(name)/3+1
	for candidate := range names {
		if d := editDistance(name, candidate, bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// namesOf yields the names of some tables.
func namesOf(tables ...[]Definition) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, table := range tables {
			for i := range table {
				if !yield(table[i].Name) {
					return
				}
			}
		}
	}
}

// editDistance counts the letters to insert, remove or replace between a and b
// (Levenshtein), and gives up at limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
