// Package flightserver serves recorded flights in the shape of FlightAware AeroAPI 4, as its
// users would have seen them at each moment: what the answers tell depends on a clock that is
// handed in, and nothing is told before it had happened. It serves the demonstration, tests
// and the command of the same name. It speaks HTTP as the real service does, faults included.
//
//	GET /aeroapi/flights/{ident}?ident_type&start&end&max_pages&cursor
//
// What is told of a flight, at the time now:
//
//   - It is scheduled until now reaches the actual departure, then under way, with estimates
//     that follow from the schedule and the departure delay alone. arrival_delay is an
//     estimate until arrival, as in the real service. Each actual time appears when now
//     reaches it; actual_in makes the flight arrived.
//   - A cancellation is told from CancelNotice before the scheduled departure; of a flight
//     that left the gate and came back, from ReturnAfter after it had left.
//   - A diversion is told from the moment when the flight should have arrived, the later of
//     its scheduled arrival and its actual departure plus scheduled elapsed time. The records
//     do not say where it went, so there is one row only, and its arrival times stay null
//     unless the record has an arrival delay, which is measured at the booked destination.
//
// The carrier and airport designators of the records serve as ident, operator and code.
package flightserver

import (
	"crypto/subtle"
	"net/http"
	"sync/atomic"
	"time"

	"aval/domain"
	"aval/oracle/bts"
)

// What the service allows and when it tells. The first four are those of AeroAPI.
const (
	// PageRows is the number of flights on a page, MaxPages how many pages one request may ask for.
	PageRows = 15
	MaxPages = 40
	// PastWindow and FutureWindow bound start and end around now.
	PastWindow   = 10 * 24 * time.Hour
	FutureWindow = 2 * 24 * time.Hour
	// CancelNotice is how long before the scheduled departure a cancellation is known.
	CancelNotice = 2 * time.Hour
	// ReturnAfter is when a flight that left the gate and was cancelled is known to be so.
	ReturnAfter = time.Hour
)

// Options configure a Server. The zero value asks for no key and has no faults.
type Options struct {
	// APIKey is what x-apikey must hold; empty means that it is not looked at.
	APIKey string
	// Faults says which fault a request meets; nil means none. See also SetFaults.
	Faults Plan
	// SlowFor is how long the Slow fault waits; zero means 30 s.
	SlowFor time.Duration
}

// Server is an http.Handler. Safe for concurrent use.
type Server struct {
	airports bts.Airports
	now      func() time.Time
	key      string
	slow     time.Duration
	faults   atomic.Pointer[Plan]
	requests atomic.Uint64
	routes   *http.ServeMux

	// The indexes hold positions in records, newest departure first.
	records       []record
	byDesignator  map[string][]int32
	byTail        map[string][]int32
	byFlightAware map[string][]int32
}

// record is a flight with what is worked out once.
type record struct {
	bts.Flight
	ident        string
	flightAware  string // the fa_flight_id
	cancelledAt  domain.Millis
	divertedAt   domain.Millis
	routeMinutes int
}

// New indexes the flights. now is the service's clock; with a clock that stands still the
// same request has the same answer.
func New(flights []bts.Flight, airports bts.Airports, now func() time.Time, o Options) *Server {
	s := &Server{airports: airports, now: now, key: o.APIKey, slow: o.SlowFor, routes: http.NewServeMux()}
	if s.slow == 0 {
		s.slow = 30 * time.Second
	}
	s.SetFaults(o.Faults)
	s.index(flights)
	s.routes.HandleFunc("GET /aeroapi/flights/{ident}", s.flights)
	s.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "Not found", "NOT_FOUND", "no such operation")
	})
	return s
}

// SetFaults replaces the fault plan for the requests to come; nil ends all faults.
func (s *Server) SetFaults(p Plan) { s.faults.Store(&p) }

// Requests is how many requests have come in.
func (s *Server) Requests() uint64 { return s.requests.Load() }

// ServeHTTP answers one request, or meets it with the fault of the plan.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.requests.Add(1)
	given := r.Header.Get("x-apikey")
	if s.key != "" && subtle.ConstantTimeCompare([]byte(given), []byte(s.key)) != 1 {
		fail(w, http.StatusUnauthorized, "Unauthorized", "UNAUTHORIZED", "the x-apikey header is missing or wrong")
		return
	}
	fault := None
	if plan := *s.faults.Load(); plan != nil {
		fault = plan(n)
	}
	if s.meet(fault, w, r) {
		return
	}
	s.routes.ServeHTTP(w, withFault(r, fault))
}
