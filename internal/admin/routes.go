package admin

import (
	"io"
	"net/http"
	"net/http/pprof"
	"runtime/debug"

	"github.com/chronik/chronik/internal/metrics"
)

// index is the page at /.
const index = `chronik: what this node tells of itself

/metrics            for Prometheus
/healthz            200 while the process lives and its disk is not fenced
/readyz             200 while it is in the in-sync set of all that it holds
/debug/partitions   its replicas, as JSON; ?topic=NAME, ?format=text
/debug/raft         the metadata quorum, as JSON
/debug/pprof/       Go's profiles; block and mutex with ?seconds=N
`

// routes are the pages; a pattern for GET serves HEAD too, and other methods get 405.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, index) })
	mux.HandleFunc("GET /metrics", s.inTurn(s.metrics))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /debug/partitions", s.inTurn(s.partitions))
	mux.HandleFunc("GET /debug/raft", s.raft)
	// Not pprof.Cmdline: a command line may have secrets in it.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/block", s.blocked.page)
	mux.HandleFunc("GET /debug/pprof/mutex", s.contended.page)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return s.recovered(mux)
}

// inTurn makes a page wait until few enough like it are being made.
func (s *Server) inTurn(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.turns <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		defer func() { <-s.turns }()
		page(w, r)
	}
}

// recovered makes of a bug in a page an answer and a line in the log.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				s.options.Logger.Error("panic on the admin listener", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				http.Error(w, "this page has a bug; the log has more", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", metrics.ContentType)
	_ = s.options.Metrics.Write(w) // its reader is gone
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	if err := s.options.DiskErr(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	text(w, http.StatusOK, "ok\n")
}

func text(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body) // its reader is gone
}
