package admin

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// writeJSON answers with a value on several lines, for people to read.
func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(value) // its reader is gone
}

// known is an offset, or nil where it is not known.
func known(o model.Offset) *model.Offset {
	if o == model.NoOffset {
		return nil
	}
	return &o
}

// at is a time, or nil for never.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// atTimestamp is at of the time that a timestamp says.
func atTimestamp(t model.Timestamp) *time.Time {
	if t == model.NoTimestamp {
		return nil
	}
	return at(t.Time())
}
