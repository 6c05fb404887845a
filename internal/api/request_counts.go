package api

import (
	"sync/atomic"
	"time"

	"github.com/chronik/chronik/internal/histogram"
	"github.com/chronik/chronik/internal/server"
)

// requestCounts counts the requests of one API: two atomic additions when one is
// answered, and one when it begins.
type requestCounts struct {
	took     *histogram.Histogram // nanoseconds
	versions []atomic.Int64       // begun, by version
}

func newRequestCounts(table []entry) (counts [keyEnd]*requestCounts) {
	bounds := histogram.Durations()
	for _, e := range table {
		counts[e.key] = &requestCounts{took: histogram.New(bounds), versions: make([]atomic.Int64, e.max+1)}
	}
	return counts
}

func (c *requestCounts) begun(version int16) { c.versions[version].Add(1) }

// answered notes how long a request took, from its last byte to its response. What
// the client then takes to read that is not the broker's doing.
func (h *Handler) answered(req *server.Request) {
	h.requests[req.Key].took.Observe(int64(time.Since(req.Received)))
}

// RequestStats tells of the requests of one API.
type RequestStats struct {
	Name     string
	Versions []int64            // how many were begun, by version
	Took     histogram.Snapshot // nanoseconds, of those that were answered
}

// requestStats lists the APIs of which there were requests.
func (h *Handler) requestStats() []RequestStats {
	var all []RequestStats
	for key, e := range h.byKey {
		if e == nil {
			continue
		}
		c := h.requests[key]
		st := RequestStats{Name: e.name, Versions: make([]int64, len(c.versions))}
		begun := int64(0)
		for v := range c.versions {
			st.Versions[v] = c.versions[v].Load()
			begun += st.Versions[v]
		}
		if begun > 0 {
			st.Took = c.took.Snapshot()
			all = append(all, st)
		}
	}
	return all
}
