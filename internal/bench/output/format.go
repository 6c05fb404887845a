// Package output writes what a benchmark has found, for people and for programs: a table,
// JSON or CSV at the end, and lines on how it goes meanwhile. Figures in JSON are as they
// were measured; everywhere else they are rounded.
package output

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/chronik/chronik/internal/bench/result"
)

// Format is how a result is written.
type Format string

// Formats.
const (
	Table Format = "table"
	JSON  Format = "json" // a result.Result
	CSV   Format = "csv"  // a line of names, and one for each side of the traffic
)

// ParseFormat reads the name of a format.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Table, JSON, CSV:
		return f, nil
	default:
		return "", fmt.Errorf("%q is no format: table, json or csv", name)
	}
}

// Write writes a result.
func (f Format) Write(w io.Writer, r *result.Result) error {
	switch f {
	case JSON:
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case CSV:
		return writeCSV(w, r)
	default:
		return writeTable(w, r)
	}
}
