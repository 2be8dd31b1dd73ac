package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
)

// route is one line of the surface. openapi.json describes the same lines.
type route struct {
	method, path string
	// query names the parameters that the route knows; any other is refused.
	query []string
	// public routes need no token.
	public bool
	// unmetered routes answer even when too many requests are in flight.
	unmetered bool
	// target gives the record or account that the route is about, as a grant names it; nil for none.
	target func(echo.Context) string
	handle func(call) error
}

// call is one request on its way through a route.
type call struct {
	echo.Context
	query query
	// viewer is who asks, eyes through whose eyes he reads: his own, or those of a party that let
	// him. Both are set on routes that are not public.
	viewer session
	eyes   domain.PartyID
	// right is what lets him, target what a grant would name. gate holds the answer back until it may be
	// given, told counts the readings that were recorded. They are set on routes that know "as".
	right  ledger.Right
	target string
	gate   *gate
	told   *int
	// release gives back the place among the requests in flight, at the latest when the
	// handler returns. Idempotent.
	release func()
}

func (s *Server) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{method: post, path: "/v1/commands", query: []string{"wait"}, public: true, handle: s.submit},
		{method: get, path: "/v1/commands/:id", handle: s.status},
		{method: post, path: "/v1/epcis/capture", query: []string{"wait"}, public: true, handle: s.capture},
		{method: get, path: "/v1/contracts", query: []string{"kind", "status", "cursor", "limit", "as"}, handle: s.contracts},
		{method: get, path: "/v1/contracts/:id", query: []string{"asOf", "as"}, target: recordTarget, handle: s.contract},
		{method: get, path: "/v1/contracts/:id/events", query: []string{"from", "limit", "format", "as"}, target: recordTarget, handle: s.contractEvents},
		{method: get, path: "/v1/accounts", query: []string{"as"}, handle: s.accounts},
		{method: get, path: "/v1/accounts/:id", query: []string{"asOf", "as"}, target: accountTarget, handle: s.account},
		{method: get, path: "/v1/accounts/:id/postings", query: []string{"from", "limit", "as"}, target: accountTarget, handle: s.postings},
		{method: get, path: "/v1/accounts/:id/statement", query: []string{"from", "to", "currency", "cursor", "limit", "format", "as"}, target: accountTarget, handle: s.statement},
		{method: get, path: "/v1/trial-balance", query: []string{"asOf", "cursor", "format", "as"}, handle: s.trialBalance},
		{method: get, path: eventsPath, query: []string{"from", "as"}, handle: s.events},
		{method: get, path: "/v1/receipts/:index", query: []string{"as"}, handle: s.receipt},
		{method: get, path: "/v1/reads", query: []string{"from", "limit", "as"}, handle: s.reads},
		{method: get, path: "/v1/private/:digest", handle: s.private},
		{method: get, path: "/v1/governance", query: []string{"as"}, handle: s.governance},
		{method: get, path: "/v1/attestation", query: []string{"nonce"}, public: true, handle: s.attestation},
		{method: get, path: "/log/checkpoint", public: true, handle: s.checkpoint},
		{method: get, path: "/log/policy", public: true, handle: s.policy},
		{method: get, path: "/log/tile/entries/*", public: true, handle: s.entryTile},
		{method: get, path: "/log/tile/:level/*", public: true, handle: s.hashTile},
		{method: get, path: "/openapi.json", public: true, handle: s.openAPI},
		{method: get, path: "/healthz", public: true, unmetered: true, handle: s.healthy},
		{method: get, path: "/readyz", public: true, unmetered: true, handle: s.ready},
	}
}

// eventsPath is the one route whose answer does not end by itself.
const eventsPath = "/v1/events"

// serve wraps a route's handler: a place among those in flight, who is asking, what for.
func (s *Server) serve(r route) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		this := call{Context: c, release: func() {}}
		if !r.unmetered {
			if this.release, err = s.load.enter(); err != nil {
				return err
			}
			defer this.release()
		}
		if r.public && !r.unmetered && r.method == http.MethodGet {
			if err := s.unknown(c.Request(), nil); err != nil {
				return err
			}
		}
		if !r.public {
			if this.viewer, err = s.authenticate(c.Request()); err != nil {
				return err
			}
		}
		if this.query, err = parseQuery(c.Request().URL.RawQuery, r.query); err != nil {
			return err
		}
		if slices.Contains(r.query, "as") {
			return s.guarded(this, r)
		}
		return r.handle(this)
	}
}

// as decides through whose eyes a request reads: "not granted" and "no such party" read the same.
func (s *Server) as(c call) (domain.PartyID, ledger.Right, error) {
	party := domain.PartyID(c.query["as"])
	if party == "" {
		party = c.viewer.party
	}
	if party.Check() != nil {
		return "", ledger.Right{}, domain.Refuse(domain.Malformed, "as: want a party")
	}
	right, err := s.ledger.As(c.viewer.party, party, c.target)
	return party, right, read(err)
}

func recordTarget(c echo.Context) string { return pathParam(c, "id") }

func accountTarget(c echo.Context) string { return strings.ReplaceAll(pathParam(c, "id"), ":", "/") }

// limitURL refuses long URLs before anything looks at them.
func limitURL(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(c.Request().RequestURI) > maxURLBytes {
			return newProblem(urlTooLong, "")
		}
		return next(c)
	}
}

// headAsGet answers HEAD as GET; net/http leaves the body out. It stands before the router,
// which looks at the request as it came. The event stream stays GET alone: a HEAD for it would never end.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && !strings.HasPrefix(r.URL.Path, eventsPath) {
			as := *r // a copy, since net/http looks at its own request to see that no body is due
			as.Method = http.MethodGet
			r = &as
		}
		next.ServeHTTP(w, r)
	})
}
