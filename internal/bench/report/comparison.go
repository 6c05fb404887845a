package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
)

// Comparison is how systems did that were measured in turn, on the same machine, by the
// same client.
type Comparison struct {
	Title   string         `json:"title"`
	Date    time.Time      `json:"date"`
	Machine result.Machine `json:"machine"`
	// Systems are at least one. The first is what the others are compared with; where
	// there are others, goals are for these.
	Systems []System `json:"systems"`
	Rows    []Row    `json:"rows"`
	Notes   []string `json:"notes"` // a paragraph each
	Runs    []Run    `json:"runs"`  // the details, in the order in which they ran
}

// System is one that was measured.
type System struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	About   string `json:"about"` // how it was set up
}

// Row is one thing that was measured.
type Row struct {
	What   string `json:"what"`
	Unit   string `json:"unit"`
	Better Better `json:"better"`
	// Values are each system's, in the order of Systems, and of each those of its runs,
	// in the order in which they ran. None: it was not measured.
	Values [][]float64 `json:"values"`
	Goals  []Goal      `json:"goals,omitempty"`
}

// Better is what is wanted of a value.
type Better string

// What may be wanted.
const (
	More Better = "more"
	Less Better = "less"
)

// Goal is a limit, which is to be reached from the side that is better.
type Goal struct {
	Name  string  `json:"name"` // such as "required"; may be empty
	Of    Measure `json:"of"`
	Limit float64 `json:"limit"`
}

// Measure is what a goal is of.
type Measure string

// What a goal may be of.
const (
	Value Measure = "value" // the system's own, in the row's unit
	Ratio Measure = "ratio" // to the first system's
)

// Run is a result, and which system's.
type Run struct {
	System string        `json:"system"` // its name
	Result result.Result `json:"result"`
}

// WriteComparison writes a document that compares systems: first a table, then a plot of
// every row, then the details of the runs. It refuses what is not complete in itself: rows
// without a list of values for each system, or with goals and directions that there are not.
func WriteComparison(w io.Writer, c Comparison) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	d := document{Title: c.Title, Comparison: newComparisonView(c)}
	for i, r := range c.Runs {
		d.Runs = append(d.Runs, newRun(i+1, r.System+": "+r.Result.Name, r.Result))
	}
	if err := d.write(w, "comparison"); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

func (c Comparison) check() error {
	if len(c.Systems) == 0 {
		return errors.New("no systems")
	}
	for _, r := range c.Runs {
		if !slices.ContainsFunc(c.Systems, func(s System) bool { return s.Name == r.System }) {
			return fmt.Errorf("a run of %q, which is not compared", r.System)
		}
	}
	for _, r := range c.Rows {
		if len(r.Values) != len(c.Systems) {
			return fmt.Errorf("row %q has values of %d systems, not %d", r.What, len(r.Values), len(c.Systems))
		}
		if r.Better != More && r.Better != Less {
			return fmt.Errorf("row %q: better is %q, neither %q nor %q", r.What, r.Better, More, Less)
		}
		for _, g := range r.Goals {
			if g.Of != Value && g.Of != Ratio {
				return fmt.Errorf("row %q: a goal of %q, neither %q nor %q", r.What, g.Of, Value, Ratio)
			}
			if g.Of == Ratio && len(c.Systems) == 1 {
				return fmt.Errorf("row %q: a goal of a ratio to nothing", r.What)
			}
		}
	}
	return nil
}
