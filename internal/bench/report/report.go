// Package report writes what benchmarks have found as HTML for people: each document is
// one file that needs nothing else, neither a server nor a network, so that it can be sent
// around and still be read in years. It starts no goroutine, and measures nothing.
//
// Every plot has its numbers in a table beside it. Where scripts do not run, the tables are
// all there is.
package report

import (
	"fmt"
	"io"

	"github.com/chronik/chronik/internal/bench/result"
)

// Write writes a document about one or more results, in their order: a table of all, and
// the details of each. What it has from the results may be any text. An error is w's, or
// of a title and results that cannot be shown.
func Write(w io.Writer, title string, results []result.Result) error {
	d := document{Title: title}
	for i, r := range results {
		d.Runs = append(d.Runs, newRun(i+1, r.Name, r))
	}
	if err := d.write(w, "report"); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
