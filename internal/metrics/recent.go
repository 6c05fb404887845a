package metrics

import (
	"time"

	"github.com/chronik/chronik/internal/histogram"
)

// recentMin is what quantiles look back for at least.
const recentMin = time.Minute

// recent makes of a histogram that counts for ever one of the last minutes: a median
// since the start tells nothing of today. It keeps what the histogram held at two
// scrapes, so it reaches back to one that was more than recentMin ago; how far
// beyond depends on how often there are scrapes.
//
// The zero recent looks back to the start.
type recent struct {
	older, newer histogram.Snapshot
	newerAt      time.Time
}

// of is what was counted lately, given what has been counted by now.
func (r *recent) of(s histogram.Snapshot, now time.Time) histogram.Snapshot {
	switch {
	case r.newerAt.IsZero():
		r.newer, r.newerAt = s, now
	case now.Sub(r.newerAt) >= recentMin:
		r.older, r.newer, r.newerAt = r.newer, s, now
	}
	return s.Since(r.older)
}
