package settings

// nearest finds the name in a table that a mistyped one was most likely meant
// to be, and how many letters differ. "" where none is close: more than a
// third of the letters being wrong is not a slip of the finger.
func nearest(name string, table []Definition) (string, int) {
	best, bestDistance := "", len(name)/3+1
	for i := range table {
		if d := editDistance(name, table[i].Name, bestDistance); d < bestDistance {
			best, bestDistance = table[i].Name, d
		}
	}
	return best, bestDistance
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
