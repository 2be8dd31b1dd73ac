package api

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin is the operator's surface: GET /metrics, with the metrics of other parts of the
// node if given, and profiles under GET /debug/pprof/. It has no authentication: bind it to loopback.
//
// Profiles hold names of functions, counts and sizes. The goroutine dump with arguments (debug=2), the
// symbol lookup and the command line are left out: arguments can be amounts.
func (s *Server) Admin(others ...prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	all := append(prometheus.Gatherers{s.metrics.registry}, others...)
	mux.Handle("GET /metrics", promhttp.HandlerFor(all, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"} {
		mux.HandleFunc("GET /debug/pprof/"+name, func(w http.ResponseWriter, r *http.Request) {
			if debug := r.FormValue("debug"); debug != "" && debug != "0" && debug != "1" {
				http.Error(w, "debug: want 0 or 1", http.StatusBadRequest)
				return
			}
			pprof.Handler(name).ServeHTTP(w, r)
		})
	}
	return s.guard(mux)
}

// guard answers a panic with 500. net/http would write its value to the log.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if s.recovered(recover(), "admin") {
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
