package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aval/domain"
)

// metrics are those of one server. Every label comes from a closed set: the table of routes, the five
// classes of status, the table of codes, the ways a stream can end.
type metrics struct {
	registry *prometheus.Registry
	routes   map[string]bool
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
	ended    *prometheus.CounterVec
	sent     prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), routes: map[string]bool{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aval_http_requests_total", Help: "Requests answered, by route pattern, class of status and code.",
		}, []string{"route", "class", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aval_http_request_seconds", Help: "Time to answer, streams left out.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30},
		}, []string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "aval_http_panics_total", Help: "Handlers that panicked."}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aval_http_streams_ended_total", Help: "Event streams ended, by reason.",
		}, []string{"reason"}),
		sent: prometheus.NewCounter(prometheus.CounterOpts{Name: "aval_http_stream_entries_total", Help: "Entries sent on event streams."}),
	}
	for _, r := range s.routes() {
		m.routes[r.path] = true
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	m.registry.MustRegister(m.requests, m.seconds, m.panics, m.ended, m.sent,
		gauge("aval_http_in_flight", "Requests being served.", func() float64 { return float64(len(s.load.requests)) }),
		gauge("aval_http_streams", "Event streams open.", func() float64 { return float64(s.streams.total.Load()) }),
		gauge("aval_log_size", "Entries in the log.", func() float64 { return float64(s.ledger.Size()) }),
		gauge("aval_ready", "1 while the ledger can commit.", func() float64 {
			if s.ledger.Ready() != nil {
				return 0
			}
			return 1
		}),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts one answer. It gives the route's pattern back, "other" if there is none.
func (m *metrics) request(pattern string, status int, code string, took time.Duration) (string, time.Duration) {
	if !m.routes[pattern] {
		pattern = "other"
	}
	if _, known := answers[domain.Code(code)]; !known && code != "" {
		code = "other"
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status/100)+"xx", code).Inc()
	if pattern != eventsPath {
		m.seconds.WithLabelValues(pattern).Observe(took.Seconds())
	}
	return pattern, took
}
