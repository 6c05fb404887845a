package api

// Stats is a snapshot of what the handler did since New, and what it has now.
type Stats struct {
	Requests      []RequestStats // of APIs that were asked for, in the order of their keys
	Topics        []TopicStats   // of topics that were used, in no particular order
	AllTopics     TopicStats
	FetchSessions int // open now
}

// Stats returns a snapshot. It may be called at any time.
func (h *Handler) Stats() Stats {
	st := Stats{Requests: h.requestStats(), FetchSessions: h.sessions.len()}
	st.Topics, st.AllTopics = h.topics.stats()
	return st
}
