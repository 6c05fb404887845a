package sim

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// trace is what has happened: a hash of all of it, and a story where somebody
// reads one.
type trace struct {
	hash  uint64
	story io.Writer

	columns []string // what stands left of a node's column, by node
	heading string
	lines   int // since the last heading
}

const (
	// hashBasis is FNV-1a's.
	hashBasis = 14695981039346656037
	// storyWidth is what all columns share; the steps of a node may run into the next.
	storyWidth = 102
	// headingLines is how often the heading comes again: once a screen.
	headingLines = 50
)

// mix adds a number to the hash (FNV-1a, a word at a time, with a final shift that
// spreads the low bits).
func (t *trace) mix(v uint64) {
	h := (t.hash ^ v) * 0x100000001b3
	t.hash = h ^ h>>29
}

// begin sets the story's columns up.
func (t *trace) begin(nodes int) {
	if t.story == nil {
		return
	}
	blank := "│" + strings.Repeat(" ", storyWidth/max(nodes, 3)-1)
	for i := range nodes {
		t.columns = append(t.columns, strings.Repeat(blank, i)+"│ ")
		t.heading += fmt.Sprintf("│ %-*s", storyWidth/max(nodes, 3)-2, fmt.Sprint("node ", i))
	}
	t.heading = "  seconds " + strings.TrimRight(t.heading, " ") + "\n"
	t.lines = headingLines
}

// note adds a step of node (-1: nobody's) to the trace: what, with its numbers.
func (w *world) note(node int, what string, numbers ...int64) {
	t := &w.trace
	t.mix(uint64(w.now))
	t.mix(uint64(node + 1))
	for i := range len(what) {
		t.mix(uint64(what[i]))
	}
	for _, n := range numbers {
		t.mix(uint64(n))
	}
	if t.story != nil {
		t.tell(w.now, node, what, numbers)
	}
}

// tell writes a line: the time, and the step in its node's column.
func (t *trace) tell(now time.Duration, node int, what string, numbers []int64) {
	if t.lines++; t.lines > headingLines {
		_, _ = io.WriteString(t.story, t.heading)
		t.lines = 0
	}
	text := what
	if len(numbers) > 0 {
		args := make([]any, len(numbers))
		for i, n := range numbers {
			args[i] = n
		}
		text = fmt.Sprintf(what, args...)
	}
	column := "═ "
	if node >= 0 {
		column = t.columns[node]
	}
	_, _ = fmt.Fprintf(t.story, "%9.3f %s%s\n", now.Seconds(), column, text) // a story that nobody reads ends nothing
}
